import Synchronization
import Testing

@testable import EventIO

@Suite struct MailboxTests {
    @Test func theMessagesOfEachSenderArriveOnceAndInOrder() throws {
        let senders = 4
        let each = 20_000
        try withLoop { loop, done in
            let next = Counters(count: senders)
            let mailbox = Mailbox<(sender: Int, number: Int)>(loop) { message in
                if next.values[message.sender] != message.number { done("out of order") }
                next.values[message.sender] += 1
                if next.values.allSatisfy({ $0 == each }) { done(nil) }
            }
            var threads: [LoopThread] = []
            for sender in 0..<senders {
                threads.append(
                    try LoopThread(name: "sender") {
                        for number in 0..<each { mailbox.send((sender, number)) }
                    }
                )
            }
            return Holder(threads)
        }
    }

    @Test func aMessageWakesASleepingLoop() throws {
        try withLoop { loop, done in
            let mailbox = Mailbox<Int>(loop) { done($0 == 7 ? nil : "another message") }
            let late = LoopTimer(loop) { mailbox.send(7) }
            late.schedule(after: .milliseconds(30))
            return late
        }
    }
}

/// Counters that belong to a loop's thread.
final class Counters {
    var values: [Int]

    init(count: Int) {
        values = Array(repeating: 0, count: count)
    }
}

/// Keeps a value alive.
final class Holder {
    private let content: Any

    init(_ content: Any) {
        self.content = content
    }
}
