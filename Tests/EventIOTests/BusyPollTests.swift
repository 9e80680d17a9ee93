import Basics
import Glibc
import Testing

@testable import EventIO

@Suite struct BusyPollTests {
    private var poll = BusyPoll(isEnabled: true)
    private var now = Instant(nanoseconds: 1_000_000_000)

    private enum Outcome {
        case found
        case nothing
        /// Another thread held the processor for this number of microseconds.
        case absent(Int)
    }

    /// Whether the loop would poll now.
    private var polls: Bool { polls(before: .distantFuture) }

    private func polls(before deadline: Instant) -> Bool {
        var copy = poll
        return copy.begins(at: now, deadline: deadline)
    }

    /// Polls, if the loop would, with this outcome.
    private mutating func end(_ outcome: Outcome, times: Int = 1) {
        for _ in 0..<times {
            guard poll.begins(at: now, deadline: .distantFuture) else { return }
            switch outcome {
            case .found: poll.foundSomething()
            case .nothing:
                poll.foundNothing(at: now.advanced(by: .microseconds(30)))
                poll.foundNothing(at: now.advanced(by: BusyPoll.maxPollTime))
            case .absent(let time): poll.foundNothing(at: now.advanced(by: .microseconds(time)))
            }
            poll.turnBegins()
        }
    }

    private static let shortAbsence = 51

    /// The milliseconds until it polls again.
    private mutating func rest() -> Int {
        var milliseconds = 0
        while !polls {
            now = now.advanced(by: .milliseconds(1))
            milliseconds += 1
        }
        return milliseconds
    }

    @Test mutating func pollsAsLongAsPollsSucceed() {
        for _ in 0..<1000 {
            #expect(polls)
            end(.found)
        }
    }

    @Test mutating func neverPollsWhenDisabled() {
        poll = BusyPoll(isEnabled: false)
        #expect(!polls)
    }

    @Test func doesNotPollBeforeAnEarlyDeadline() {
        #expect(!polls(before: now.advanced(by: BusyPoll.maxPollTime)))
        #expect(polls(before: now.advanced(by: .microseconds(61))))
    }

    @Test mutating func blocksInTheTurnOfAnUnsuccessfulPoll() {
        let begins = poll.begins(at: now, deadline: .distantFuture)
        #expect(begins && poll.isPolling)
        poll.foundNothing(at: now.advanced(by: .microseconds(30)))
        #expect(poll.isPolling)
        poll.foundNothing(at: now.advanced(by: .microseconds(60)))
        #expect(!poll.isPolling)
        #expect(!polls)
        poll.turnBegins()
        #expect(polls)
    }

    @Test mutating func doesNotPollAfterOrBetweenTurnsWithBulk() {
        poll.turnEnded(bytes: BusyPoll.maxBytes, began: now)
        #expect(polls)
        poll.turnEnded(bytes: BusyPoll.maxBytes + 1, began: now)
        #expect(!polls)
        now = now.advanced(by: .microseconds(200))
        #expect(!polls)
        now = now.advanced(by: .microseconds(100))
        #expect(polls)
    }

    @Test mutating func restsAfterFourUnsuccessfulPolls() {
        end(.nothing, times: 3)
        #expect(polls)
        end(.nothing)
        #expect(!polls)
        let rested = rest()
        #expect((10...100).contains(rested), "\(rested) ms")
        // The maximum cost is about 1 % of a processor.
        #expect(4 * 50 * BusyPoll.maxPollTime.nanoseconds < UInt64(rested) * 1_000_000)
    }

    @Test mutating func keepsPollingOnlyIfTwoOfThreePollsSucceed() {
        for _ in 0..<1000 {
            end(.found, times: 2)
            end(.nothing)
        }
        #expect(polls)
        for _ in 0..<8 {
            end(.found)
            end(.nothing)
        }
        #expect(!polls)
    }

    @Test mutating func anOccasionalShortAbsenceDoesNotStopPolling() {
        for _ in 0..<100 {
            end(.absent(Self.shortAbsence))
            end(.found, times: 250)
            #expect(polls)
        }
    }

    @Test mutating func restsLongerEachTimeAnotherThreadTakesTheProcessor() {
        var rests: [Int] = []
        for _ in 0..<10 {
            end(.absent(3000))
            #expect(!polls)
            rests.append(rest())
        }
        #expect(rests.first == 10)
        #expect(rests.max() == 160)
        #expect(rests == rests.sorted())
        // Frequent short absences have the same effect as a long one.
        end(.absent(Self.shortAbsence), times: 4)
        #expect(!polls)
        #expect(rest() == 160)
        // A short time without them is not enough to shorten the rest.
        end(.found, times: 2000)
        end(.absent(3000))
        #expect(rest() == 160)
        // A long time without them resets the rest to its minimum.
        end(.found, times: 10_000)
        end(.absent(3000))
        #expect(rest() == 10)
    }

    @Test func aTimerDueDuringAPollIsNotEarly() throws {
        try withLoop(pollsBusily: true) { loop, done in
            let started = loop.now
            let timers = [30, 200, 1000].map { microseconds in
                LoopTimer(loop) { [unowned loop] in
                    if loop.now < started.advanced(by: .microseconds(microseconds)) {
                        done("a timer came too early")
                    }
                    if microseconds == 1000 { done(nil) }
                }
            }
            for (timer, delay) in zip(timers, [30, 200, 1000]) { timer.schedule(after: .microseconds(delay)) }
            return Holder(timers)
        }
    }

    @Test func messagesArriveInOrderWhileTheLoopPollsAndWhileItSleeps() throws {
        let rounds = 600
        try withLoop(pollsBusily: true) { loop, done in
            let next = Counters(count: 1)
            let mailbox = Mailbox<Int>(loop) { number in
                if number != next.values[0] { done("out of order") }
                next.values[0] += 1
                if number == rounds - 1 { done(nil) }
            }
            // Pauses shorter and longer than one poll, enough of both that the loop stops polling and starts again.
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
