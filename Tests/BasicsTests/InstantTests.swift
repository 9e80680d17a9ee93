import Testing

@testable import Basics

@Suite struct InstantTests {
    @Test func advancingStopsAtTheDistantFuture() {
        #expect(Instant.distantFuture.advanced(by: .seconds(1)) == .distantFuture)
        #expect(Instant(nanoseconds: .max - 5).advanced(by: .nanoseconds(10)) == .distantFuture)
        #expect(Instant(nanoseconds: 1).advanced(by: .seconds(Int64.max)) == .distantFuture)
        #expect(Instant(nanoseconds: 1).advanced(by: .nanoseconds(10)) == Instant(nanoseconds: 11))
    }

    @Test func negativeDurationsCountAsZero() {
        let now = Instant(nanoseconds: 1000)
        #expect(now.advanced(by: .seconds(-1)) == now)
        #expect(now.duration(since: Instant(nanoseconds: 2000)) == .zero)
        #expect(now.duration(since: now) == .zero)
        #expect(now.duration(since: Instant(nanoseconds: 400)) == .nanoseconds(600))
        #expect(Instant.distantFuture.duration(since: Instant(nanoseconds: 0)) == .nanoseconds(Int64.max))
    }

    @Test func aDurationIsTruncatedToWholeNanoseconds() {
        #expect(Duration.milliseconds(1250).wholeNanoseconds == 1_250_000_000)
        #expect(Duration.nanoseconds(1).wholeNanoseconds == 1)
        #expect(Duration(secondsComponent: 0, attosecondsComponent: 999_999_999).wholeNanoseconds == 0)
        #expect(Duration.nanoseconds(-1).wholeNanoseconds == 0)
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
    }
}
