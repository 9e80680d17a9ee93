import Basics
import Testing

@testable import ProtocolCore

@Suite struct RoundTripTests {
    @Test func theShortestOfTheLastEightRoundTripsIsKept() {
        var roundTrip = RoundTrip()
        #expect(roundTrip.shortest == nil)
        for milliseconds in [5, 50, 40, 30, 60, 70, 80, 90, 100] {
            let token = roundTrip.begin(at: Instant(nanoseconds: 0))
            let took = roundTrip.end(token: token, at: Instant(nanoseconds: UInt64(milliseconds) * 1_000_000))
            #expect(took == .milliseconds(milliseconds))
            #expect(roundTrip.latest == .milliseconds(milliseconds))
        }
        #expect(roundTrip.shortest == .milliseconds(30))
    }

    @Test func anAnswerWithoutItsQuestionIsIgnored() {
        var roundTrip = RoundTrip()
        let now = Instant(nanoseconds: 0)
        #expect(roundTrip.end(token: 1, at: now) == nil)
        let first = roundTrip.begin(at: now)
        let second = roundTrip.begin(at: now)
        #expect(roundTrip.end(token: first, at: now) == nil)
        #expect(roundTrip.isPending)
        #expect(roundTrip.end(token: second, at: now) == .zero)
        #expect(roundTrip.end(token: second, at: now) == nil)
        #expect(!roundTrip.isPending)
    }
}
