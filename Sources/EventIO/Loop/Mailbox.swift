import Synchronization

/// Takes messages from any thread and delivers them on its loop's thread, in the order in which they came.
package final class Mailbox<Message: Sendable>: Sendable {
    private let waiting = Mutex<[Message]>([])
    private let waker: LoopWaker

    /// A mailbox of this loop, to be created on its thread.
    ///
    /// `receive` is called on the loop's thread for each message; the loop keeps it for as long as it lives.
    package init(_ loop: EventLoop, _ receive: @escaping (Message) -> Void) {
        waker = loop.waker
        loop.add(MailboxReader(self, receive))
    }

    /// Leaves a message.
    ///
    /// Never blocks; the queue grows as long as its senders make it.
    package func send(_ message: Message) {
        let isFirst = waiting.withLock { waiting in
            waiting.append(message)
            return waiting.count == 1
        }
        if isFirst { waker.wake() }
    }

    fileprivate func takeAll() -> [Message] {
        waiting.withLock { waiting in
            let taken = waiting
            waiting.removeAll(keepingCapacity: false)
            return taken
        }
    }
}

/// The end of a mailbox that stays on the loop's thread.
protocol MailboxDrain {
    func drain()
}

private struct MailboxReader<Message: Sendable>: MailboxDrain {
    let mailbox: Mailbox<Message>
    let receive: (Message) -> Void

    init(_ mailbox: Mailbox<Message>, _ receive: @escaping (Message) -> Void) {
        self.mailbox = mailbox
        self.receive = receive
    }

    func drain() {
        for message in mailbox.takeAll() { receive(message) }
    }
}
