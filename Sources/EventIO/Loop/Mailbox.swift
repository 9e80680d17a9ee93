import Synchronization

/// Takes messages from any thread and delivers them on its loop's thread, in order of arrival.
package final class Mailbox<Message: Sendable>: Sendable {
    private let waiting = Mutex<[Message]>([])
    private let waker: LoopWaker

    /// Creates a mailbox of a loop; call it on the loop's thread.
    ///
    /// The loop calls `receive` on its thread for each message, and retains it as long as the loop lives.
    package init(_ loop: EventLoop, _ receive: @escaping (Message) -> Void) {
        waker = loop.waker
        loop.add(MailboxReader(self, receive))
    }

    /// Sends a message to the loop.
    ///
    /// Never blocks. The queue has no limit: it grows as long as messages arrive faster than the loop takes them.
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

/// The receiving side of a mailbox, confined to the loop's thread.
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
