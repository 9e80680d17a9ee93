import EventIO
import FoundationEssentials
import Synchronization

/// A connection to the other end, as a client gets it from ``MessageClient`` and a server's handlers are given it.
///
/// It outlives the link that it runs over: when that is lost, it goes on over another one, and nothing is lost or repeated.
/// May be used by any task.
public final class Connection: HandlerHolder {
    /// The user that the client has proved to be.
    public let user: String
    /// Where the other end is, or was when the connection was made.
    public let remoteAddress: String
    /// Whether what is sent is hidden, and not only authenticated; see ``ConnectionOptions/allowsUnencrypted``.
    public let isEncrypted: Bool
    /// Names the connection at its server; `nil` at its client.
    public let token: ConnectionToken?
    /// The packets that have come and that no handler is for.
    public let inbox: Inbox

    let id: UInt64
    let options: ConnectionOptions
    let loop: MessageLoop
    let local: Handlers
    let calls = Calls()
    /// Packets that go to the other end.
    let packetOutbox: Outbox
    /// Requests that go to the other end.
    let callOutbox: Outbox
    /// Answers to its requests.
    let replyOutbox: Outbox
    let packetRunner: HandlerRunner
    let requestRunner: HandlerRunner
    private let numbers = Atomic<UInt64>(0)
    private let end = Mutex(End())

    private struct End {
        var reason: SallyportError?
        /// Who wants to know of it.
        var listeners: [UInt64: @Sendable (SallyportError) -> Void] = [:]
        var nextListener: UInt64 = 0
    }

    private static let ids = Atomic<UInt64>(0)

    /// What is known of a connection when it begins.
    struct Facts {
        let user: String
        let remoteAddress: String
        let isEncrypted: Bool
        let token: ConnectionToken?
    }

    init(_ facts: Facts, options: ConnectionOptions, loop: MessageLoop, handlers: Handlers?) {
        user = facts.user
        remoteAddress = facts.remoteAddress
        isEncrypted = facts.isEncrypted
        token = facts.token
        self.options = options
        self.loop = loop
        local = Handlers(fallback: handlers)
        let id = Self.ids.add(1, ordering: .relaxed).newValue
        self.id = id
        func wake(_ lane: LaneName) -> @Sendable () -> Void {
            let wake: @Sendable (Room) -> Void = { $0.drivers[id]?.wake(lane) }
            return { loop.perform(wake) }
        }
        func returned(_ lane: LaneName) -> @Sendable (Int) -> Void {
            let credit = Credit { count in loop.perform { $0.drivers[id]?.consumed(count, of: lane) } }
            return { credit.add($0) }
        }
        packetOutbox = Outbox(wake: wake(.packets))
        callOutbox = Outbox(wake: wake(.calls))
        replyOutbox = Outbox(wake: wake(.answers))
        inbox = Inbox(options.overflow, returned: returned(.packets))
        packetRunner = HandlerRunner(atMost: 1, returned: returned(.packets))
        requestRunner = HandlerRunner(atMost: options.concurrentRequests, returned: returned(.answers))
    }

    /// The handlers for packets and requests of this connection; those of its server are behind them.
    public var handlers: HandlerTable { HandlerTable(handlers: local) }

    /// The packets that no handler is for, as they come, until the connection is over.
    public var packets: Packets { Packets(inbox: inbox) }

    /// Whether the connection is not over; while it waits for another link, it is not.
    public var isOpen: Bool { endReason == nil }

    /// Why the connection is over, or `nil`.
    public var endReason: SallyportError? { end.withLock { $0.reason } }

    /// Closes the connection, after all that was sent before has arrived; the other end is told `reason`.
    ///
    /// Waits until that is so, ``ConnectionOptions/closeTimeout`` at most. Who waits for something on this connection gets
    /// ``SallyportError/Code/closed``.
    public func close(_ reason: String = "") async {
        let failure = SallyportError(.closed, "closed here" + (reason.isEmpty ? "" : ": \(reason)"))
        await withCheckedContinuation { continuation in
            loop.perform { [id] room in
                guard let driver = room.drivers[id] else {
                    continuation.resume()
                    return
                }
                driver.close(reason, failure) { continuation.resume() }
            }
        }
    }

    /// The connection is over: everybody who waits for something is told.
    func ended(_ failure: SallyportError) {
        let listeners = end.withLock { end in
            end.reason = end.reason ?? failure
            defer { end.listeners = [:] }
            return end.listeners
        }
        for listener in listeners.values { listener(failure) }
        for outbox in [packetOutbox, callOutbox, replyOutbox] { outbox.fail(failure) }
        calls.fail(failure)
        inbox.end(failure)
        packetRunner.drop()
        requestRunner.drop()
    }

    /// Has `listener` told when the connection is over, at once if it is; the number is for ``forget(_:)``.
    func whenEnded(_ listener: @escaping @Sendable (SallyportError) -> Void) -> UInt64 {
        let (id, reason) = end.withLock { end in
            end.nextListener += 1
            if end.reason == nil { end.listeners[end.nextListener] = listener }
            return (end.nextListener, end.reason)
        }
        if let reason { listener(reason) }
        return id
    }

    func forget(_ listener: UInt64) {
        _ = end.withLock { $0.listeners.removeValue(forKey: listener) }
    }

    /// The header of something new.
    func item(_ kind: Item.Kind, _ action: String, _ payload: Payload) throws(SallyportError) -> Item {
        guard (1...Item.longestAction).contains(action.utf8.count) else {
            throw SallyportError(.invalidArgument, "an action has 1 to \(Item.longestAction) bytes")
        }
        guard payload.bytes.count <= options.longestPayload else {
            throw SallyportError(
                .tooLarge,
                "a payload of \(payload.bytes.count) bytes; \(options.longestPayload) are allowed"
            )
        }
        return Item(
            kind,
            number: numbers.add(1, ordering: .relaxed).newValue,
            created: UInt64(max(0, Date().timeIntervalSince1970 * 1e6)),
            action: action,
            payload: payload
        )
    }
}

// MARK: - Sending

extension Connection {
    /// Sends a packet; returns when it is on its way, and waits while the other end takes nothing.
    ///
    /// Packets of up to 64 KiB arrive in the order in which they were sent; longer ones travel beside them. Throws
    /// ``SallyportError/Code/closed``, ``SallyportError/Code/linkLost``, ``SallyportError/Code/tooLarge``,
    /// ``SallyportError/Code/invalidArgument`` or ``SallyportError/Code/cancelled``.
    public func send(_ action: String, _ payload: Payload = .empty) async throws(SallyportError) {
        try await post(try item(.packet, action, payload), by: packetOutbox)
    }

    /// Sends a packet, and waits until it is in the other end's inbox or with its handler.
    ///
    /// Throws what ``send(_:_:)`` throws, ``SallyportError/Code/refused`` when there is no room for it and the other end
    /// refuses what does not fit, and ``SallyportError/Code/timeout``.
    public func deliver(
        _ action: String,
        _ payload: Payload = .empty,
        timeout: Duration? = nil
    ) async throws(SallyportError) {
        _ = try await call(try item(.confirmedPacket, action, payload), by: packetOutbox, timeout)
    }

    /// Sends a request and waits for the answer.
    ///
    /// Any number may be under way at a time. Throws what ``send(_:_:)`` throws, what the other end's handler has thrown,
    /// ``SallyportError/Code/unknownAction`` when there is none, and ``SallyportError/Code/timeout``.
    public func request(
        _ action: String,
        _ payload: Payload = .empty,
        timeout: Duration? = nil
    ) async throws(SallyportError) -> Payload {
        try await call(try item(.request, action, payload), by: callOutbox, timeout).payload
    }

    /// Sends a value as a request and waits for a value as the answer, both in JSON.
    public func request<Answer: Decodable>(
        _ action: String,
        _ question: some Encodable,
        returning answer: Answer.Type = Answer.self,
        timeout: Duration? = nil
    ) async throws(SallyportError) -> Answer {
        try await request(action, try .json(question), timeout: timeout).decode(answer)
    }

    private func call(
        _ item: Item,
        by outbox: Outbox,
        _ timeout: Duration?
    ) async throws(SallyportError) -> Item {
        let timeout = timeout ?? options.requestTimeout
        let isLong = item.payload.bytes.count > Item.longestPayload
        if !isLong { try await outbox.waitForRoom() }
        let calls = calls
        let callOutbox = callOutbox
        let number = item.number
        let withdraw: @Sendable () -> Void = { callOutbox.sendAtOnce(Item(.cancel, number: number)) }
        return try await calls.call(
            number,
            timeout: timeout,
            deadline: MessageLoop.now.addingClamped(timeout),
            cancelled: withdraw
        ) {
            if isLong { sendLong(item) { _ in } } else { outbox.sendAtOnce(item) }
        }
    }

    /// Sends what is ready to be sent, on the lane or beside it.
    func post(_ item: Item, by outbox: Outbox) async throws(SallyportError) {
        guard item.payload.bytes.count > Item.longestPayload else {
            try await outbox.send(item)
            return
        }
        let failure = await withCheckedContinuation { continuation in
            sendLong(item) { continuation.resume(returning: $0) }
        }
        if let failure { throw failure }
    }

    private func sendLong(_ item: Item, _ sent: @escaping @Sendable (SallyportError?) -> Void) {
        loop.perform { [id] room in
            guard let driver = room.drivers[id] else {
                sent(SallyportError(.closed, "the connection is over"))
                return
            }
            driver.sendLong(item, sent)
        }
    }
}

/// Collects what goes back to the sender as credit, so that the loop is not woken for each packet.
final class Credit: Sendable {
    private let count = Mutex(0)
    private let flush: @Sendable (Int) -> Void

    /// Smaller than a window by so much that the sender never waits for it.
    private static let portion = 16 << 10

    init(_ flush: @escaping @Sendable (Int) -> Void) {
        self.flush = flush
    }

    func add(_ size: Int) {
        let due = count.withLock { count in
            count += size
            guard count >= Self.portion else { return 0 }
            defer { count = 0 }
            return count
        }
        if due > 0 { flush(due) }
    }
}
