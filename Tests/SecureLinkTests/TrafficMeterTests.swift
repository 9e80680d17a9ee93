import Basics
import ProtocolCoreTesting
import Testing

@testable import SecureLink

@Suite struct TrafficMeterTests {
    private let step = Duration.milliseconds(50)

    @Test func aSessionIsBusyWhileItMovesBulkAndIdleSoonAfter() {
        var meter = TrafficMeter()
        let now = Instant.seconds(10)
        #expect(!meter.isBusy(at: now))
        meter.add(2 << 20, at: now)
        #expect(meter.isBusy(at: now))
        #expect(meter.isBusy(at: now + step))
        #expect(!meter.isBusy(at: now + step * 2))
    }

    @Test func manySmallMovesInAWindowAddUp() {
        var meter = TrafficMeter()
        let now = Instant.seconds(10)
        for index in 0..<100 { meter.add(20 << 10, at: now + .microseconds(100 * index)) }
        #expect(meter.recent(at: now + .milliseconds(10)) == 100 * 20 << 10)
        meter.add(1, at: now + step)
        #expect(meter.recent(at: now + step) == 100 * 20 << 10)
    }

    @Test func bytesOfTheCurrentWindowAreNotSettled() {
        var meter = TrafficMeter()
        let now = Instant.seconds(10)
        meter.add(2 << 20, at: now)
        #expect(meter.settled(at: now) == 0)
        #expect(meter.settled(at: now + step - .nanoseconds(1)) == 0)
        #expect(meter.settled(at: now + step) == 2 << 20)
        meter.add(1, at: now + step)
        #expect(meter.settled(at: now + step) == 2 << 20)
        #expect(meter.settled(at: now + step * 2) == 1)
        #expect(meter.settled(at: now + step * 3) == 0)
    }

    @Test func clearedBytesDoNotCountForFutureStreams() {
        var meter = TrafficMeter()
        let now = Instant.seconds(10)
        meter.add(2 << 20, at: now)
        meter.add(2 << 20, at: now + step)
        meter.clear(at: now + step + .nanoseconds(1))
        #expect(meter.settled(at: now + step + .nanoseconds(1)) == 0)
        #expect(meter.recent(at: now + step + .nanoseconds(1)) == 2 << 20, "the recent traffic stays")
        meter.add(1, at: now + step + .nanoseconds(2))
        meter.add(3 << 20, at: now + step * 2)
        #expect(meter.settled(at: now + step * 2) == 0, "the last window has bytes from before")
        #expect(meter.settled(at: now + step * 3) == 3 << 20)
    }

    @Test func theMeasurementOfAGaugeExpires() {
        let gauge = TrafficGauge()
        gauge.set(recent: 0, settled: 1000, at: .milliseconds(1000))
        #expect(gauge.settled(at: .milliseconds(1050)) == 1000)
        #expect(gauge.settled(at: .milliseconds(1200)) == 0)
    }

    @Test func aGaugeThatWasSetAfterTheReadersTurnBeganCounts() {
        let gauge = TrafficGauge()
        gauge.set(recent: 0, settled: 1000, at: .seconds(1) + .nanoseconds(500))
        #expect(gauge.settled(at: .milliseconds(1000)) == 1000)
    }

    @Test func aLoopIsInteractiveWhileItMovesSomethingButNoBulk() {
        let gauge = TrafficGauge()
        #expect(!gauge.isInteractive(at: .milliseconds(1000)))
        gauge.set(recent: 64, settled: 0, at: .milliseconds(1000))
        #expect(gauge.isInteractive(at: .milliseconds(1010)))
        #expect(!gauge.isInteractive(at: .milliseconds(1200)))
        gauge.set(recent: 8 << 20, settled: 0, at: .milliseconds(1200))
        #expect(!gauge.isInteractive(at: .milliseconds(1200)))
    }
}
