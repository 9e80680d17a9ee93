import Testing

@testable import SecureLink

@Suite struct TrafficMeterTests {
    private let step: UInt64 = 50_000_000

    @Test func aSessionIsBusyWhileItMovesAndIdleSoonAfter() {
        var meter = TrafficMeter()
        let now: UInt64 = 10_000_000_000
        #expect(!meter.isBusy(at: now))
        meter.add(2 << 20, at: now)
        #expect(meter.isBusy(at: now))
        #expect(meter.isBusy(at: now + step))
        #expect(!meter.isBusy(at: now + 2 * step))
    }

    @Test func manySmallBytesInAWindowAddUp() {
        var meter = TrafficMeter()
        let now: UInt64 = 10_000_000_000
        for index in 0..<100 { meter.add(20 << 10, at: now + UInt64(index) * 100_000) }
        #expect(meter.recent(at: now + 10_000_000) == 100 * 20 << 10)
        meter.add(1, at: now + step)
        #expect(meter.recent(at: now + step) == 100 * 20 << 10)
    }

    @Test func whatHasOnlyJustBegunIsNotSettled() {
        var meter = TrafficMeter()
        let now: UInt64 = 10_000_000_000
        meter.add(2 << 20, at: now)
        #expect(meter.settled(at: now) == 0)
        #expect(meter.settled(at: now + step - 1) == 0)
        #expect(meter.settled(at: now + step) == 2 << 20)
        meter.add(1, at: now + step)
        #expect(meter.settled(at: now + step) == 2 << 20)
        #expect(meter.settled(at: now + 2 * step) == 1)
        #expect(meter.settled(at: now + 3 * step) == 0)
    }

    @Test func whatIsGoneIsNotHeldAgainstWhatComes() {
        var meter = TrafficMeter()
        let now: UInt64 = 10_000_000_000
        meter.add(2 << 20, at: now)
        meter.add(2 << 20, at: now + step)
        meter.clear(at: now + step + 1)
        #expect(meter.settled(at: now + step + 1) == 0)
        #expect(meter.recent(at: now + step + 1) == 2 << 20, "the link is as fast as it was")
        meter.add(1, at: now + step + 2)
        meter.add(3 << 20, at: now + 2 * step)
        #expect(meter.settled(at: now + 2 * step) == 0, "the last window is in part of those that are gone")
        #expect(meter.settled(at: now + 3 * step) == 3 << 20)
    }

    @Test func aGaugeIsNotBelievedForLong() {
        let gauge = TrafficGauge()
        gauge.set(recent: 0, settled: 1000, at: 1_000_000_000)
        #expect(gauge.settled(at: 1_050_000_000) == 1000)
        #expect(gauge.settled(at: 1_200_000_000) == 0)
    }

    @Test func aGaugeThatWasSetAfterTheReadersTurnBeganCounts() {
        let gauge = TrafficGauge()
        gauge.set(recent: 0, settled: 1000, at: 1_000_000_500)
        #expect(gauge.settled(at: 1_000_000_000) == 1000)
    }

    @Test func aLoopIsInteractiveWhileItMovesSomethingButNoBulk() {
        let gauge = TrafficGauge()
        #expect(!gauge.isInteractive(at: 1_000_000_000))
        gauge.set(recent: 64, settled: 0, at: 1_000_000_000)
        #expect(gauge.isInteractive(at: 1_010_000_000))
        #expect(!gauge.isInteractive(at: 1_200_000_000))
        gauge.set(recent: 8 << 20, settled: 0, at: 1_200_000_000)
        #expect(!gauge.isInteractive(at: 1_200_000_000))
    }
}
