import Basics
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

@Suite struct LogAllowanceTests {
    private static let mebibyte = 1 << 20

    /// An allowance, and a peer that takes a given time to acknowledge a full log.
    private struct Link {
        var allowance: LogAllowance
        var now = Instant(nanoseconds: 0)
        var records: UInt64 = 0
        var roundTrip: Duration?

        mutating func fill(_ times: Int, taking: Duration) {
            for _ in 0..<times {
                records += 10
                allowance.isFull(records: records, at: now)
                now = now.advanced(by: taking)
                allowance.acknowledged(records, roundTrip: roundTrip, at: now)
            }
        }
    }

    @Test func onALongPathTheAllowanceDoublesWithEachRoundTrip() {
        var link = Link(allowance: LogAllowance(largest: 16 * Self.mebibyte), roundTrip: .milliseconds(100))
        #expect(link.allowance.size == 4 * Self.mebibyte)
        link.fill(1, taking: .milliseconds(140))
        #expect(link.allowance.size == 8 * Self.mebibyte)
        link.fill(1, taking: .milliseconds(200))
        #expect(link.allowance.size == 16 * Self.mebibyte)
        link.fill(10, taking: .milliseconds(100))
        #expect(link.allowance.size == 16 * Self.mebibyte)
    }

    @Test func onAShortPathTheAllowanceStays() {
        var link = Link(allowance: LogAllowance(largest: 64 * Self.mebibyte), roundTrip: .microseconds(100))
        link.fill(100, taking: .milliseconds(10))
        #expect(link.allowance.size == 4 * Self.mebibyte)
    }

    @Test func theAllowanceDoublesAfterFourSlowRoundTripsInARow() {
        var link = Link(allowance: LogAllowance(largest: 64 * Self.mebibyte), roundTrip: .milliseconds(10))
        link.fill(3, taking: .milliseconds(60))
        #expect(link.allowance.size == 4 * Self.mebibyte)
        link.fill(1, taking: .milliseconds(60))
        #expect(link.allowance.size == 8 * Self.mebibyte)
        // Four more slow round trips, but not in a row.
        link.fill(3, taking: .milliseconds(60))
        link.fill(1, taking: .milliseconds(30))
        link.fill(1, taking: .milliseconds(60))
        #expect(link.allowance.size == 8 * Self.mebibyte)
    }

    @Test func theAllowanceShrinksWhenItIsNoLongerNeeded() {
        var link = Link(allowance: LogAllowance(largest: 16 * Self.mebibyte), roundTrip: .milliseconds(10))
        link.fill(2, taking: .milliseconds(20))
        #expect(link.allowance.size == 16 * Self.mebibyte)
        link.roundTrip = .microseconds(100)
        link.fill(4, taking: .milliseconds(30))
        #expect(link.allowance.size == 8 * Self.mebibyte)
        link.fill(40, taking: .milliseconds(10))
        #expect(link.allowance.size == 4 * Self.mebibyte)
    }

    @Test func aSmallLogIsUsedWhole() {
        var link = Link(allowance: LogAllowance(largest: 4096))
        link.fill(10, taking: .seconds(1))
        #expect(link.allowance.size == 4096)
    }

    @Test func recordsUnacknowledgedOnALostLinkAreNotMeasured() {
        var link = Link(allowance: LogAllowance(largest: 64 * Self.mebibyte), roundTrip: .milliseconds(100))
        link.allowance.isFull(records: 1, at: link.now)
        link.allowance.linkLost()
        link.allowance.acknowledged(1, roundTrip: link.roundTrip, at: link.now)
        #expect(link.allowance.size == 4 * Self.mebibyte)
    }

    /// The bytes of its log that a session uses for one long stream over a link with this one-way delay.
    private func used(oneWay: Duration) throws -> Int {
        var options = Session.Options(parameters: SessionParameters(features: .resume))
        options.logBytes = 16 * Self.mebibyte
        var pair = try Pair(client: options, server: options)
        pair.settle()
        _ = pair.client.open(sending: 200_000_000, thenEnd: true, at: pair.now)
        var most = 0
        for _ in 0..<40 {
            pair.toServer += pair.client.pump(at: pair.now)
            most = max(most, pair.client.keptCount)
            pair.now = pair.now.advanced(by: oneWay)
            pair.deliver()
            pair.toClient += pair.server.pump(at: pair.now)
            pair.now = pair.now.advanced(by: oneWay)
            pair.deliver()
        }
        expect(pair.client.end == nil && pair.server.end == nil)
        expect(pair.damage.isEmpty)
        return most
    }

    @Test func oneStreamUsesTheWholeLogOnALongPathAndNotOnAShortOne() throws {
        #expect(try used(oneWay: .milliseconds(50)) > 15 * Self.mebibyte)
        #expect(try used(oneWay: .microseconds(20)) <= 5 * Self.mebibyte)
    }
}
