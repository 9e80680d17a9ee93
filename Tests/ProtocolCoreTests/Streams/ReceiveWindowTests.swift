import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

@Suite struct ReceiveWindowTests {
    @Test func aByteBeyondTheLimitIsRefusedAndNotCounted() {
        var window = ReceiveWindow(size: 100)
        expect(window.receive(60))
        expect(!window.receive(41))
        #expect(window.received == 60)
        expect(window.receive(40))
        expect(!window.receive(1))
        expect(window.receive(0))
    }

    @Test func creditIsDueWhenHalfOfTheWindowIsConsumed() {
        var window = ReceiveWindow(size: 100)
        expect(window.receive(100))
        window.consume(49)
        #expect(!window.isGrantDue())
        window.consume(1)
        #expect(window.isGrantDue())
        #expect(window.grant(growingTo: 0) == 150)
        #expect(!window.isGrantDue())
    }

    @Test(arguments: 0...4) func uselessCreditIsNeverDueEvenForTinyWindows(size: UInt64) {
        var window = ReceiveWindow(size: size)
        #expect(!window.isGrantDue())
        for _ in 0..<20 {
            let room = Int(window.limit - window.received)
            guard room > 0 else { break }
            expect(window.receive(room))
            window.consume(room)
            #expect(window.isGrantDue())
            let before = window.limit
            #expect(window.grant(growingTo: 0) > before)
            #expect(!window.isGrantDue())
        }
    }

    @Test func theWindowDoublesIfTheSenderRanOutOfCreditAndTheReaderKeptUp() {
        var window = ReceiveWindow(size: 100)
        expect(window.receive(100))
        window.consume(75)
        #expect(window.grant(growingTo: 1000) == 75 + 200)
        #expect(window.size == 200)
    }

    @Test func theWindowStaysIfTheReaderIsSlow() {
        var window = ReceiveWindow(size: 100)
        expect(window.receive(100))
        window.consume(74)
        #expect(window.grant(growingTo: 1000) == 174)
        #expect(window.size == 100)
    }

    @Test func theWindowStaysIfTheSenderNeverRanOutOfCredit() {
        var window = ReceiveWindow(size: 100)
        for _ in 0..<50 {
            expect(window.receive(60))
            window.consume(60)
            if window.isGrantDue() { _ = window.grant(growingTo: 1000) }
            // The sender stops short of the limit each time.
            if window.received == window.limit { break }
        }
        #expect(window.size == 100)
    }

    @Test func theWindowGrowsOnlyToItsMaximum() {
        var window = ReceiveWindow(size: 100)
        for largest in [UInt64(150), 150, 120, 0] {
            let room = Int(window.limit - window.received)
            expect(window.receive(room))
            window.consume(room)
            _ = window.grant(growingTo: largest)
            #expect(window.size == 150)
        }
    }

    @Test func aLeadRaisesTheLimitAndIsNeverTakenBack() {
        var window = ReceiveWindow(size: 100)
        expect(window.receive(80))
        #expect(window.isGrantDue(lead: 80))
        #expect(window.grant(growingTo: 0, lead: 80) == 180)
        // The lead is gone, but the granted credit stays.
        #expect(window.grant(growingTo: 0, lead: 0) == 180)
    }

    @Test(arguments: Seeds.some(20)) func aRandomHistoryKeepsItsInvariants(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var window = ReceiveWindow(size: UInt64.random(in: 0...5000, using: &random))
        let largest = UInt64.random(in: 0...100_000, using: &random)
        var granted = window.limit
        for _ in 0..<5000 {
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                let count = Int.random(in: 0...3000, using: &random)
                let fits = window.received + UInt64(count) <= granted
                expect(window.receive(count) == fits)
            case 1: window.consume(Int.random(in: 0...Int(window.held), using: &random))
            default:
                guard window.isGrantDue() else { continue }
                let limit = window.grant(growingTo: largest)
                #expect(limit > granted)
                granted = limit
            }
            #expect(window.consumed <= window.received)
            #expect(window.received <= window.limit)
            #expect(window.limit == granted)
            #expect(window.held <= window.size)
        }
    }
}

/// Credit over a path with a delay: the window grows to the bandwidth-delay product, and no further than necessary.
@Suite struct ReceiveWindowGrowthTests {
    @Test(arguments: [(20, 95), (100, 90)])
    func aLongPathIsFilledAfterTheWindowHasGrown(milliseconds: Int, percent: Int) {
        var way = CreditSimulation(roundTrip: milliseconds, readsAtOnce: true)
        way.run(milliseconds: 30 * milliseconds)
        let before = way.window.received
        way.run(milliseconds: 20 * milliseconds)
        let possible = 20 * milliseconds * CreditSimulation.perMillisecond
        let share = Int(way.window.received - before) * 100 / possible
        #expect(share >= percent, "\(share) % of the way")
    }

    @Test func aShortPathNeedsAtMostTwiceTheInitialWindow() {
        var way = CreditSimulation(roundTrip: 1, readsAtOnce: true)
        way.run(milliseconds: 1000)
        // 1 ms at 1 Gbit/s is half of the initial window.
        #expect(way.window.size <= 512 << 10)
        #expect(Int(way.window.received) >= 950 * CreditSimulation.perMillisecond)
    }

    @Test(arguments: [20, 100]) func aSlowReaderDoesNotGetALargeWindow(milliseconds: Int) {
        var way = CreditSimulation(roundTrip: milliseconds, readsAtOnce: false)
        way.run(milliseconds: 5000)
        #expect(way.window.size == 256 << 10)
    }
}

/// One sender at 1 Gbit/s and one reader, half a round trip apart, in steps of a quarter of a millisecond.
private struct CreditSimulation {
    static let perMillisecond = 125_000
    private static let stepsPerMillisecond = 4

    var window = ReceiveWindow(size: 256 << 10)
    private var sender = SendWindow(limit: 256 << 10)
    private var data: [Int]
    private var credit: [UInt64?]
    private let readsAtOnce: Bool

    init(roundTrip: Int, readsAtOnce: Bool) {
        let half = max(1, roundTrip * Self.stepsPerMillisecond / 2)
        data = Array(repeating: 0, count: half)
        credit = Array(repeating: nil, count: half)
        self.readsAtOnce = readsAtOnce
    }

    mutating func run(milliseconds: Int) {
        for step in 0..<milliseconds * Self.stepsPerMillisecond {
            let place = step % data.count
            let arrived = data[place]
            if let limit = credit[place] { _ = sender.raise(to: limit) }
            let sent = min(sender.available, Self.perMillisecond / Self.stepsPerMillisecond)
            sender.consume(sent)
            data[place] = sent

            expect(window.receive(arrived))
            // A slow reader takes a hundredth of the bandwidth, in small portions.
            let wanted = readsAtOnce ? Int.max : Self.perMillisecond / Self.stepsPerMillisecond / 100
            window.consume(min(wanted, Int(window.held)))
            credit[place] = window.isGrantDue() ? window.grant(growingTo: 16 << 20) : nil
        }
    }
}
