import Basics
import EventIO
import FoundationEssentials
import Synchronization

/// A connection to the other end: a client gets it from ``MessageClient``, a server passes it to its handlers.
///
/// It outlives its link: when the link is lost, the connection resumes over another one, and nothing is lost or repeated.
/// All members may be used from any task.
public final class Connection: HandlerHolder {
    /// The user that the client has proved to be.
    public let user: String
    /// The address of the other end when the connection was made.
    public let remoteAddress: String
    /// Whether records are encrypted, and not merely authenticated; see ``ConnectionOptions/allowsUnencrypted``.
    public let isEncrypted: Bool
    /// The identity of the connection at its server; `nil` at a client.
    public let token: ConnectionToken?
    /// The received packets that no handler takes.
    public let inbox: Inbox

    let id: UInt64
    let options: ConnectionOptions
    let loop: MessageLoop
    let local: Handlers
    let calls = Calls()
    /// Packets to the other end.
    let packetOutbox: Outbox
    /// Requests to the other end.
    let callOutbox: Outbox
    /// Answers to the other end's requests.
    let replyOutbox: Outbox
    /// Collects the credit of handled items, for the loop to return to the other end.
    let credit: Credit
    /// Runs handlers of packets, and serial handlers of requests, one at a time.
    let packetRunner: HandlerRunner
    let requestRunner: HandlerRunner
    /// Runs handlers that take chunks, separately, so that they do not hold up the others.
    let chunkRunner: HandlerRunner
    let chunkRequestRunner: HandlerRunner
    /// Whether the other end exchanges packets; a tunnel's client does not.
    let takesMessages = Atomic<Bool>(false)
    private let numbers = Atomic<UInt64>(0)
    /// Counts the calls that wait for a stream to be opened; gives each a number.
    let openings = Atomic<UInt64>(0)
    private let end = Mutex(End())

    private struct End {
        var reason: SallyportError?
        /// The closures to call when the connection is over.
        var listeners: [UInt64: @Sendable (SallyportError) -> Void] = [:]
        var nextListener: UInt64 = 0
    }

    private static let ids = Atomic<UInt64>(0)

    /// The properties of a new connection.
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
        func wake(_ messageStream: StreamName) -> @Sendable () -> Void {
            { loop.perform(.connection(id, .wake(messageStream))) }
        }
        let credit = Credit(window: options.clampedWindow) { loop.perform(.connection(id, .release($0))) }
        self.credit = credit
        packetOutbox = Outbox(wake: wake(.packets))
        callOutbox = Outbox(wake: wake(.calls))
        replyOutbox = Outbox(wake: wake(.answers))
        inbox = Inbox(options.overflow) { credit.add($0) }
        packetRunner = HandlerRunner(atMost: 1)
        requestRunner = HandlerRunner(atMost: options.concurrentRequests)
        chunkRunner = HandlerRunner(atMost: options.concurrentRequests)
        chunkRequestRunner = HandlerRunner(atMost: options.concurrentRequests)
    }

    /// The handlers of this connection; for actions without one, the handlers of its server are used.
    public var handlers: HandlerTable { HandlerTable(handlers: local) }

    /// The packets that no handler takes, as they arrive, until the connection is over.
    public var packets: Packets { Packets(inbox: inbox) }

    /// Whether the connection is open, also while it waits for another link.
    public var isOpen: Bool { endReason == nil }

    /// The reason why the connection is over, or `nil` while it is open.
    public var endReason: SallyportError? { end.withLock { $0.reason } }

    /// Closes the connection when all data sent before has arrived; sends `reason` to the other end.
    ///
    /// Waits until the connection is closed, at most ``ConnectionOptions/closeTimeout``. Calls that wait for something on this
    /// connection throw ``SallyportError/Code/closed``.
    public func close(_ reason: String = "") async {
        let failure = SallyportError(.closed, "closed here" + (reason.isEmpty ? "" : ": \(reason)"))
        await withCheckedContinuation { continuation in
            loop.perform(.connection(id, .close(reason: reason, failure) { continuation.resume() }))
        }
    }

    /// Ends the connection: all calls that wait on it throw `failure`.
    ///
    /// If the other end has closed it in an orderly way, packets that have arrived are still handled.
    func ended(_ failure: SallyportError, isOrderly: Bool) {
        let listeners = end.withLock { end in
            end.reason = end.reason ?? failure
            defer { end.listeners = [:] }
            return end.listeners
        }
        for listener in listeners.values { listener(failure) }
        for outbox in [packetOutbox, callOutbox, replyOutbox] { outbox.fail(failure) }
        calls.fail(failure)
        inbox.end(failure)
        for runner in [packetRunner, chunkRunner] { if isOrderly { runner.close() } else { runner.drop() } }
        for runner in [requestRunner, chunkRequestRunner] { runner.drop() }
    }

    /// Calls `listener` when the connection is over, or immediately if it is over already; returns a number for ``forget(_:)``.
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

    /// Makes a new item with the next number.
    func item(_ kind: Item.Kind, _ action: String, _ payload: Payload) throws(SallyportError) -> Item {
        guard takesMessages.load(ordering: .relaxed) else {
            throw SallyportError(.incompatible, "the other end takes no messages")
        }
        guard (1...Item.maxAction).contains(action.utf8.count) else {
            throw SallyportError(.invalidArgument, "an action has 1 to \(Item.maxAction) bytes")
        }
        guard payload.bytes.count <= options.maxPayload else {
            throw SallyportError(
                .tooLarge,
                "a payload of \(payload.bytes.count) bytes; \(options.maxPayload) are allowed"
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
    /// Sends a packet; returns when its bytes are handed over for sending.
    ///
    /// Waits while too many bytes are queued, because the other end does not take them. Packets of up to 64 KiB arrive in the
    /// order in which they were sent; longer ones travel on separate streams.
    ///
    /// - Parameters:
    ///   - action: the packet's action, 1 to 255 bytes.
    ///   - payload: the payload, at most ``ConnectionOptions/maxPayload`` bytes.
    ///   - progress: called on any thread each time a part of the payload is handed over for sending; it must return quickly.
    /// - Throws: ``SallyportError/Code/closed``, ``SallyportError/Code/linkLost``, ``SallyportError/Code/tooLarge``,
    ///   ``SallyportError/Code/invalidArgument`` or ``SallyportError/Code/cancelled``.
    public func send(
        _ action: String,
        _ payload: Payload = .empty,
        progress: (@Sendable (TransferProgress) -> Void)? = nil
    ) async throws(SallyportError) {
        try await post(try item(.packet, action, payload), by: packetOutbox, progress: progress)
    }

    /// Sends a packet; throws if the other end takes nothing for longer than ``ConnectionOptions/requestTimeout``.
    func sendInTime(_ action: String, _ payload: Payload) async throws(SallyportError) {
        let item = try item(.packet, action, payload)
        guard !packetOutbox.hasSpace || item.payload.bytes.count > Item.maxPayload else {
            packetOutbox.sendAtOnce(item)
            return
        }
        let timeout = options.requestTimeout
        let result = await withTaskGroup(of: Result<Void, SallyportError>.self) { group in
            group.addTask {
                do throws(SallyportError) {
                    return .success(try await self.post(item, by: self.packetOutbox))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await Task.sleep(for: timeout)
                return .failure(SallyportError(.timeout, "nothing was taken within \(timeout)"))
            }
            defer { group.cancelAll() }
            return await group.next() ?? .failure(.cancelled)
        }
        try result.get()
    }

    /// Sends a packet, and waits until it is in the other end's inbox or its handler has it.
    ///
    /// Throws the errors of ``send(_:_:progress:)``, ``SallyportError/Code/refused`` if the other end's inbox is full and rejects
    /// packets, and ``SallyportError/Code/timeout``.
    public func deliver(
        _ action: String,
        _ payload: Payload = .empty,
        timeout: Duration? = nil
    ) async throws(SallyportError) {
        _ = try await call(try item(.confirmedPacket, action, payload), by: packetOutbox, timeout)
    }

    /// Sends a request and waits for the answer.
    ///
    /// Any number of requests may wait at the same time. Throws the errors of ``send(_:_:progress:)``, the error that the other
    /// end's handler threw, ``SallyportError/Code/unknownAction`` if there is no handler, and ``SallyportError/Code/timeout``.
    public func request(
        _ action: String,
        _ payload: Payload = .empty,
        timeout: Duration? = nil
    ) async throws(SallyportError) -> Payload {
        try await call(try item(.request, action, payload), by: callOutbox, timeout).payload
    }

    /// Sends a value as a request and waits for a value as the answer, both as JSON.
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
        let isLong = item.payload.bytes.count > Item.maxPayload
        let (number, kind) = (item.number, item.kind)
        let (callOutbox, loop, id) = (callOutbox, loop, id)
        let isWithdrawn = Flag()
        let withdraw: @Sendable () -> Void = {
            isWithdrawn.raise()
            if isLong { loop.perform(.connection(id, .withdrawLong(kind, number, evenIfSent: true))) }
            // A request that still waits in the outbox is removed. For one that was sent, the other end gets a CANCEL.
            guard !outbox.withdraw(number), kind == .request else { return }
            callOutbox.sendAtOnce(Item(.cancel, number: number))
        }
        let calls = calls
        return try await calls.call(
            number,
            timeout: timeout,
            deadline: EventLoop.clock.advanced(by: timeout),
            isFirst: { loop.perform(.watchCalls) },
            expired: withdraw
        ) {
            guard !isWithdrawn.isRaised else { return }
            guard isLong else {
                outbox.sendLater(item)
                return
            }
            sendLong(item, unless: isWithdrawn) { failure in
                if let failure { calls.answered(.failure(failure, to: number)) }
            }
        }
    }

    /// Sends an item, on its message stream or, if it is long, on a stream of its own.
    func post(
        _ item: Item,
        by outbox: Outbox,
        progress: (@Sendable (TransferProgress) -> Void)? = nil
    ) async throws(SallyportError) {
        let count = item.payload.bytes.count
        guard count > Item.maxPayload else {
            try await outbox.send(item)
            progress?(TransferProgress(done: count, total: count))
            return
        }
        let (loop, id) = (loop, id)
        let isWithdrawn = Flag()
        let failure = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                sendLong(item, progress: progress, unless: isWithdrawn) { continuation.resume(returning: $0) }
            }
        } onCancel: {
            isWithdrawn.raise()
            // A payload for which `send` has already returned is still sent.
            loop.perform(.connection(id, .withdrawLong(item.kind, item.number, evenIfSent: false)))
        }
        if let failure { throw failure }
    }

    private func sendLong(
        _ item: Item,
        progress: (@Sendable (TransferProgress) -> Void)? = nil,
        unless isWithdrawn: Flag? = nil,
        _ sent: @escaping @Sendable (SallyportError?) -> Void
    ) {
        let send = LongSend(item: item, progress: progress, isWithdrawn: isWithdrawn, sent: sent)
        loop.perform(.connection(id, .sendLong(send)))
    }
}
