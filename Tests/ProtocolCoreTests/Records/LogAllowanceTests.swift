import Basics
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

@Suite struct LogAllowanceTests {
    private static let mebibyte = 1 << 20

    /// An allowance, and a peer that takes a given time for what fills it.
    private struct Way {
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

    @Test func aLongWayThatIsNotFullGetsMoreWithEachRoundTrip() {
        var way = Way(allowance: LogAllowance(largest: 16 * Self.mebibyte), roundTrip: .milliseconds(100))
        #expect(way.allowance.size == 4 * Self.mebibyte)
        way.fill(1, taking: .milliseconds(140))
        #expect(way.allowance.size == 8 * Self.mebibyte)
        way.fill(1, taking: .milliseconds(200))
        #expect(way.allowance.size == 16 * Self.mebibyte)
        way.fill(10, taking: .milliseconds(100))
        #expect(way.allowance.size == 16 * Self.mebibyte)
    }

    @Test func aPeerNearbyThatIsFastEnoughGetsNoMore() {
        var way = Way(allowance: LogAllowance(largest: 64 * Self.mebibyte), roundTrip: .microseconds(100))
        way.fill(100, taking: .milliseconds(10))
        #expect(way.allowance.size == 4 * Self.mebibyte)
    }

    @Test func aWayThatSeldomTakesItsShortestTimeGetsMoreAfterFourInARow() {
        var way = Way(allowance: LogAllowance(largest: 64 * Self.mebibyte), roundTrip: .milliseconds(10))
        way.fill(3, taking: .milliseconds(60))
        #expect(way.allowance.size == 4 * Self.mebibyte)
        way.fill(1, taking: .milliseconds(60))
        #expect(way.allowance.size == 8 * Self.mebibyte)
        // Four more, but not in a row.
        way.fill(3, taking: .milliseconds(60))
        way.fill(1, taking: .milliseconds(30))
        way.fill(1, taking: .milliseconds(60))
        #expect(way.allowance.size == 8 * Self.mebibyte)
    }

    @Test func whatIsNotNeededAnyMoreIsGivenUp() {
        var way = Way(allowance: LogAllowance(largest: 16 * Self.mebibyte), roundTrip: .milliseconds(10))
        way.fill(2, taking: .milliseconds(20))
        #expect(way.allowance.size == 16 * Self.mebibyte)
        way.roundTrip = .microseconds(100)
        way.fill(4, taking: .milliseconds(30))
        #expect(way.allowance.size == 8 * Self.mebibyte)
        way.fill(40, taking: .milliseconds(10))
        #expect(way.allowance.size == 4 * Self.mebibyte)
    }

    @Test func aSmallLogIsUsedAsItIs() {
        var way = Way(allowance: LogAllowance(largest: 4096))
        way.fill(10, taking: .seconds(1))
        #expect(way.allowance.size == 4096)
    }

    @Test func whatALostLinkLeftUnansweredIsNotMeasured() {
        var way = Way(allowance: LogAllowance(largest: 64 * Self.mebibyte), roundTrip: .milliseconds(100))
        way.allowance.isFull(records: 1, at: way.now)
        way.allowance.linkLost()
        way.allowance.acknowledged(1, roundTrip: way.roundTrip, at: way.now)
        #expect(way.allowance.size == 4 * Self.mebibyte)
    }

    /// How much of its log a session uses for one long stream, when every way takes so long.
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

    @Test func oneStreamFillsALongWayAndNotAShortOne() throws {
        #expect(try used(oneWay: .milliseconds(50)) > 15 * Self.mebibyte)
        #expect(try used(oneWay: .microseconds(20)) <= 5 * Self.mebibyte)
    }
}
