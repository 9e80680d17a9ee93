import Glibc
import Testing

@testable import EventIO

@Suite struct BusyPollTests {
    private static let millisecond: UInt64 = 1_000_000
    private var poll = BusyPoll()
    private var now: UInt64 = 1_000_000_000

    private var looks: Bool { poll.isWorthwhile(at: now) }

    private mutating func end(_ outcome: BusyPoll.Outcome, times: Int = 1) {
        for _ in 0..<times { poll.ended(outcome, at: now) }
    }

    /// Milliseconds until it looks again.
    private mutating func rest() -> UInt64 {
        let start = now
        while !looks { now += Self.millisecond }
        return (now - start) / Self.millisecond
    }

    @Test mutating func looksAsLongAsItFinds() {
        for _ in 0..<1000 {
            #expect(looks)
            end(.found)
        }
    }

    @Test mutating func doesNotLookAfterBulkNorBetweenItsTurns() {
        poll.turnMoved(BusyPoll.mostBytes, at: now)
        #expect(looks)
        poll.turnMoved(BusyPoll.mostBytes + 1, at: now)
        #expect(!looks)
        now += Self.millisecond / 5
        #expect(!looks)
        now += Self.millisecond / 10
        #expect(looks)
    }

    @Test mutating func restsWhenNothingIsFound() {
        end(.nothing, times: 3)
        #expect(looks)
        end(.nothing)
        #expect(!looks)
        let rested = rest()
        #expect((10...100).contains(rested), "\(rested) ms")
        // What it costs at most: a hundredth of a processor or so.
        #expect(4 * BusyPoll.limit * 50 < rested * Self.millisecond)
    }

    @Test mutating func twoOfThreeLooksHaveToSucceed() {
        for _ in 0..<1000 {
            end(.found, times: 2)
            end(.nothing)
        }
        #expect(looks)
        for _ in 0..<8 {
            end(.found)
            end(.nothing)
        }
        #expect(!looks)
    }

    @Test mutating func aShortAbsenceNowAndThenIsForgiven() {
        for _ in 0..<100 {
            end(.crowded(BusyPoll.shortAbsence + 1))
            end(.found, times: 250)
            #expect(looks)
        }
    }

    @Test mutating func restsLongerEachTimeOthersWantTheProcessor() {
        var rests: [UInt64] = []
        for _ in 0..<10 {
            end(.crowded(3 * Self.millisecond))
            #expect(!looks)
            rests.append(rest())
        }
        #expect(rests.first == 10)
        #expect(rests.max() == 160)
        #expect(rests == rests.sorted())
        // Short absences that keep coming are as bad.
        end(.crowded(BusyPoll.shortAbsence + 1), times: 4)
        #expect(!looks)
        #expect(rest() == 160)
        // A moment without them says little.
        end(.found, times: 2000)
        end(.crowded(3 * Self.millisecond))
        #expect(rest() == 160)
        // And when they have gone it is as if nothing had been.
        end(.found, times: 10_000)
        end(.crowded(3 * Self.millisecond))
        #expect(rest() == 10)
    }

    @Test func aTimerWithinTheTimeOfALookIsOnTime() throws {
        try withLoop(pollsBusily: true) { loop, done in
            let started = loop.now
            let timers = [30, 200, 1000].map { microseconds in
                LoopTimer(loop) { [unowned loop] in
                    if loop.now < started + UInt64(microseconds) * 1000 { done("a timer came too early") }
                    if microseconds == 1000 { done(nil) }
                }
            }
            for (timer, delay) in zip(timers, [30, 200, 1000]) { timer.schedule(after: .microseconds(delay)) }
            return Holder(timers)
        }
    }

    @Test func messagesThatComeWhileItLooksAndWhileItSleepsArriveInOrder() throws {
        let rounds = 600
        try withLoop(pollsBusily: true) { loop, done in
            let next = Counters(count: 1)
            let mailbox = Mailbox<Int>(loop) { number in
                if number != next.values[0] { done("out of order") }
                next.values[0] += 1
                if number == rounds - 1 { done(nil) }
            }
            // Sooner and later than it gives up, and enough of both for it to rest and to begin again.
            let sender = try LoopThread(name: "sender") {
                for number in 0..<rounds {
                    usleep(UInt32(number % 150))
                    mailbox.send(number)
                }
            }
            return Holder(sender)
        }
    }
}
