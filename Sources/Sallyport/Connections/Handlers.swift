import DequeModule
import Synchronization

/// A handler of packets and requests.
struct Handler: Sendable {
    /// The closure of a handler; its result is the answer, if the sender waits for one.
    enum Body: Sendable {
        /// Called when the whole packet has arrived.
        case whole(@Sendable (Packet, Connection) async throws -> Payload)
        /// Called when the whole packet has arrived, on the thread that moves the connection's bytes.
        case atOnce(@Sendable (Packet, Connection) throws -> Payload)
        /// Called when the payload begins to arrive.
        case chunks(@Sendable (IncomingPacket, Connection) async throws -> Payload)
    }

    /// Whether the packets of a connection are handled one at a time.
    let isSerial: Bool
    let body: Body

    init(isSerial: Bool, body: @escaping @Sendable (Packet, Connection) async throws -> Payload) {
        self.isSerial = isSerial
        self.body = .whole(body)
    }

    /// Creates a handler of chunks; several run at a time, because payloads in chunks arrive on separate streams.
    init(chunks: @escaping @Sendable (IncomingPacket, Connection) async throws -> Payload) {
        isSerial = false
        body = .chunks(chunks)
    }

    /// Creates a handler that runs on the thread that reads the packet.
    init(atOnce: @escaping @Sendable (Packet, Connection) throws -> Payload) {
        isSerial = false
        body = .atOnce(atOnce)
    }

    /// The closure to call on the thread that reads the packet, or `nil`.
    var atOnce: (@Sendable (Packet, Connection) throws -> Payload)? {
        if case .atOnce(let body) = body { body } else { nil }
    }

    /// Whether the handler takes a payload that has not arrived completely.
    var takesChunks: Bool {
        if case .chunks = body { true } else { false }
    }

    /// Calls the handler with a packet that has arrived completely.
    func callAsFunction(_ packet: Packet, _ connection: Connection) async throws -> Payload {
        switch body {
        case .whole(let body): return try await body(packet, connection)
        case .atOnce(let body): return try body(packet, connection)
        case .chunks(let body):
            let inbox = ByteInbox { _ in }
            packet.payload.bytes.withUnsafeBytes { inbox.arrived($0) }
            inbox.ended()
            let incoming = IncomingPacket(packet, byteCount: packet.payload.bytes.count, inbox)
            return try await body(incoming, connection)
        }
    }
}

/// A handler of byte streams that the other end opens.
typealias StreamHandler = @Sendable (ByteStream, Connection) async throws -> Void

/// The handlers of a connection by action, with its server's handlers as the fallback.
final class Handlers: Sendable {
    private let table = Mutex<[String: Handler]>([:])
    private let streams = Mutex<[String: StreamHandler]>([:])
    private let fallback: Handlers?

    init(fallback: Handlers? = nil) {
        self.fallback = fallback
    }

    subscript(action: String) -> Handler? {
        table.withLock { $0[action] } ?? fallback?[action]
    }

    subscript(service service: String) -> StreamHandler? {
        streams.withLock { $0[service] } ?? fallback?[service: service]
    }

    func set(service: String, _ handler: StreamHandler?) {
        streams.withLock { $0[service] = handler }
    }

    func set(_ actions: [String], _ handler: Handler?) {
        table.withLock { table in
            for action in actions { table[action] = handler }
        }
    }
}

/// An object that handlers can be registered with: a connection, or a server for all of its connections.
public protocol HandlerHolder: Sendable {
    /// The object's handlers.
    var handlers: HandlerTable { get }
}

/// The handlers of a connection or a server.
public struct HandlerTable: Sendable {
    let handlers: Handlers
}

extension HandlerHolder {
    /// Calls `handler` with each packet about one of these actions.
    ///
    /// The packets of one connection are handled one at a time, in the order in which they arrived. While a handler runs, later
    /// packets wait, and when the window is full, their sender waits too. A request gets an empty answer when the handler
    /// returns, and a failure when the handler throws.
    public func on(
        _ actions: String...,
        perform handler: @escaping @Sendable (Packet, Connection) async throws -> Void
    ) {
        let handler = Handler(isSerial: true) { packet, connection in
            try await handler(packet, connection)
            return .empty
        }
        handlers.handlers.set(actions, handler)
    }

    /// Calls `handler` to answer each request about one of these actions.
    ///
    /// Up to ``ConnectionOptions/concurrentRequests`` of one connection are handled at the same time. If the handler throws a
    /// ``SallyportError``, the other end's `request` throws it. Any other error becomes
    /// ``SallyportError/Code/handlerFailed`` without its text, which may be confidential.
    public func answer(
        _ actions: String...,
        with handler: @escaping @Sendable (Packet, Connection) async throws -> Payload
    ) {
        handlers.handlers.set(actions, Handler(isSerial: false, body: handler))
    }

    /// Calls `handler` to answer each request about one of these actions, on the thread that moves bytes.
    ///
    /// No task is created and no thread is woken, which saves a third of the cost of a short request. But while the handler runs,
    /// all connections of the server wait, or all clients of the process. Use it only for work that takes microseconds and never
    /// blocks. The answer has at most 64 KiB; errors are treated as in ``answer(_:with:)``.
    public func answerAtOnce(
        _ actions: String...,
        with handler: @escaping @Sendable (Packet, Connection) throws -> Payload
    ) {
        handlers.handlers.set(actions, Handler(atOnce: handler))
    }

    /// Calls `handler` to answer each request about `action`; the payload and the answer are values as JSON.
    public func answer<Question: Decodable & Sendable, Answer: Encodable & Sendable>(
        _ action: String,
        _ question: Question.Type,
        with handler: @escaping @Sendable (Question, Connection) async throws -> Answer
    ) {
        let handler = Handler(isSerial: false) { packet, connection in
            try .json(await handler(try packet.decode(question), connection))
        }
        handlers.handlers.set([action], handler)
    }

    /// Calls `handler` with each packet about `action` as soon as it begins to arrive; the handler reads the payload in chunks.
    ///
    /// Only the part of a payload that the handler has not read is held, at most ``ConnectionOptions/window`` bytes. Up to
    /// ``ConnectionOptions/concurrentRequests`` packets are handled at the same time, in no particular order. A request gets an
    /// empty answer when the handler returns.
    public func on(
        chunksOf action: String,
        perform handler: @escaping @Sendable (IncomingPacket, Connection) async throws -> Void
    ) {
        answer(chunksOf: action) { packet, connection in
            try await handler(packet, connection)
            return .empty
        }
    }

    /// Calls `handler` to answer each request about `action` as soon as it begins to arrive, with the payload in chunks.
    ///
    /// The limits of memory and concurrency are those of ``on(chunksOf:perform:)``. Errors are treated as in ``answer(_:with:)``.
    public func answer(
        chunksOf action: String,
        with handler: @escaping @Sendable (IncomingPacket, Connection) async throws -> Payload
    ) {
        handlers.handlers.set([action], Handler(chunks: handler))
    }

    /// Calls `handler` with each byte stream that the other end opens for `service`.
    ///
    /// A tunnel's route whose peer is this server opens such streams too. When the handler returns, the stream's outgoing
    /// direction is finished, if it is not yet. When it throws, the stream is reset.
    public func serve(
        _ service: String,
        with handler: @escaping @Sendable (ByteStream, Connection) async throws -> Void
    ) {
        handlers.handlers.set(service: service, handler)
    }

    /// Accepts no more streams for `service`; existing streams continue.
    public func stopServing(_ service: String) {
        handlers.handlers.set(service: service, nil)
    }

    /// Removes the handlers of these actions.
    public func removeHandlers(_ actions: String...) {
        handlers.handlers.set(actions, nil)
    }
}

/// Runs the handlers of one connection, up to a number at the same time.
final class HandlerRunner: Sendable {
    /// One call of a handler.
    struct Work: Sendable {
        /// The number that the sender gave the item.
        ///
        /// A sender may repeat a number; the runner then still finishes all work with that number.
        let number: UInt64
        let run: @Sendable () async -> Void
        /// Called once, when the work is done or will not be run: returns the credit that the item holds.
        let ended: @Sendable () -> Void
    }

    private struct State {
        var waiting = Deque<Work>()
        var waitingNumbers: Set<UInt64> = []
        var cancelledNumbers: Set<UInt64> = []
        var running: [UInt64: Task<Void, Never>] = [:]
        /// The latest running work of each number.
        var tickets: [UInt64: UInt64] = [:]
        var nextTicket: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let most: Int

    init(atMost most: Int) {
        self.most = max(1, most)
    }

    /// Runs the work as soon as fewer handlers than the maximum are running.
    func add(_ work: Work) {
        let isTaken = state.withLock { state in
            guard !state.isClosed else { return false }
            if state.running.count < most {
                begin(work, &state)
            } else {
                state.waiting.append(work)
                state.waitingNumbers.insert(work.number)
            }
            return true
        }
        if !isTaken { work.ended() }
    }

    /// Cancels the work with this number: cancels its task if it runs, and skips it if it waits.
    func cancel(_ number: UInt64) {
        let task = state.withLock { state -> Task<Void, Never>? in
            if state.waitingNumbers.contains(number) { state.cancelledNumbers.insert(number) }
            return state.tickets[number].flatMap { state.running[$0] }
        }
        task?.cancel()
    }

    /// Takes no more work, but finishes existing work.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    /// Takes no more work, forgets waiting work and cancels running work.
    func drop() {
        let (waiting, running) = state.withLock { state in
            state.isClosed = true
            state.waitingNumbers = []
            let waiting = state.waiting
            state.waiting = []
            return (waiting, Array(state.running.values))
        }
        for task in running { task.cancel() }
        for work in waiting { work.ended() }
    }

    private func begin(_ work: Work, _ state: inout State) {
        state.nextTicket += 1
        let ticket = state.nextTicket
        state.tickets[work.number] = ticket
        state.running[ticket] = Task {
            await work.run()
            done(work, ticket)
        }
    }

    private func done(_ work: Work, _ ticket: UInt64) {
        let skipped = state.withLock { state -> [Work] in
            state.running[ticket] = nil
            if state.tickets[work.number] == ticket { state.tickets[work.number] = nil }
            var skipped: [Work] = []
            while let next = state.waiting.popFirst() {
                state.waitingNumbers.remove(next.number)
                guard state.cancelledNumbers.remove(next.number) == nil else {
                    skipped.append(next)
                    continue
                }
                begin(next, &state)
                break
            }
            return skipped
        }
        work.ended()
        for work in skipped { work.ended() }
    }
}
