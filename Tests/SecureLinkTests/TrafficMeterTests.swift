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

    @Test func aGaugeIsNotBelievedForLong() {
        let gauge = TrafficGauge()
        gauge.set(1000, at: 1_000_000_000)
        #expect(gauge.recent(at: 1_050_000_000) == 1000)
        #expect(gauge.recent(at: 1_200_000_000) == 0)
    }

    @Test func aGaugeThatWasSetAfterTheReadersTurnBeganCounts() {
        let gauge = TrafficGauge()
        gauge.set(1000, at: 1_000_000_500)
        #expect(gauge.recent(at: 1_000_000_000) == 1000)
    }

    @Test func aLoopIsInteractiveWhileItMovesSomethingButNoBulk() {
        let gauge = TrafficGauge()
        #expect(!gauge.isInteractive(at: 1_000_000_000))
        gauge.set(64, at: 1_000_000_000)
        #expect(gauge.isInteractive(at: 1_010_000_000))
        #expect(!gauge.isInteractive(at: 1_200_000_000))
        gauge.set(8 << 20, at: 1_200_000_000)
        #expect(!gauge.isInteractive(at: 1_200_000_000))
    }
}
