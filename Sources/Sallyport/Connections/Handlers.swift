import Synchronization

/// What is called with a packet; what it returns is the answer, if somebody waits for one.
typealias Handler = @Sendable (Packet, Connection) async throws -> Payload

/// What is called with a stream of bytes that the other end has opened.
typealias StreamHandler = @Sendable (ByteStream, Connection) async throws -> Void

/// The handlers of a connection, by action, and behind them those of its server.
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

/// Whatever handlers can be given to: a connection, or a server for all of its connections.
public protocol HandlerHolder: Sendable {
    /// Where they are kept.
    var handlers: HandlerTable { get }
}

/// The handlers that something holds.
public struct HandlerTable: Sendable {
    let handlers: Handlers
}

extension HandlerHolder {
    /// Has `handler` called with each packet about one of these actions.
    ///
    /// Packets of one connection are handled one after the other, in the order in which they came; while a handler is at
    /// work, what comes behind waits and in the end slows its sender. Who has sent a request gets an empty answer. A handler
    /// that throws answers a request with a failure.
    public func on(
        _ actions: String...,
        perform handler: @escaping @Sendable (Packet, Connection) async throws -> Void
    ) {
        handlers.handlers.set(actions) { packet, connection in
            try await handler(packet, connection)
            return .empty
        }
    }

    /// Has `handler` answer each request about one of these actions.
    ///
    /// Up to ``ConnectionOptions/concurrentRequests`` of one connection are handled at a time. A ``SallyportError`` that it
    /// throws is what the other end's `request` throws; any other error becomes
    /// ``SallyportError/Code/handlerFailed`` without its text, which may be nobody else's business.
    public func answer(
        _ actions: String...,
        with handler: @escaping @Sendable (Packet, Connection) async throws -> Payload
    ) {
        handlers.handlers.set(actions, handler)
    }

    /// Has `handler` answer each request about `action`, whose payload and answer are values in JSON.
    public func answer<Question: Decodable & Sendable, Answer: Encodable & Sendable>(
        _ action: String,
        _ question: Question.Type,
        with handler: @escaping @Sendable (Question, Connection) async throws -> Answer
    ) {
        handlers.handlers.set([action]) { packet, connection in
            try .json(await handler(try packet.decode(question), connection))
        }
    }

    /// Has `handler` called with each stream of bytes that the other end opens for `service`; a route of a tunnel whose peer
    /// is this server opens them too.
    ///
    /// When it returns, our direction is finished if it is not; when it throws, the stream is reset.
    public func serve(
        _ service: String,
        with handler: @escaping @Sendable (ByteStream, Connection) async throws -> Void
    ) {
        handlers.handlers.set(service: service, handler)
    }

    /// Serves no more streams for `service`; those that there are go on.
    public func stopServing(_ service: String) {
        handlers.handlers.set(service: service, nil)
    }

    /// Forgets the handlers of these actions.
    public func removeHandlers(_ actions: String...) {
        handlers.handlers.set(actions, nil)
    }
}

/// Runs the handlers of one connection: packets one after the other, requests several at a time.
final class HandlerRunner: Sendable {
    /// Something to do, which one it is, and what it takes of the window until it is done.
    struct Work: Sendable {
        let number: UInt64
        let size: Int
        let run: @Sendable () async -> Void
    }

    private struct State {
        var waiting: [Work] = []
        var head = 0
        var running: [UInt64: Task<Void, Never>] = [:]
        var isOver = false

        mutating func removeFirst() -> Work? {
            guard head < waiting.count else {
                waiting.removeAll(keepingCapacity: waiting.count < 64)
                head = 0
                return nil
            }
            defer { head += 1 }
            return waiting[head]
        }
    }

    private let state = Mutex(State())
    private let most: Int
    private let returned: @Sendable (Int) -> Void

    init(atMost most: Int, returned: @escaping @Sendable (Int) -> Void) {
        self.most = max(1, most)
        self.returned = returned
    }

    /// Does it as soon as there is room.
    func add(_ work: Work) {
        state.withLock { state in
            guard !state.isOver else { return }
            if state.running.count < most { begin(work, &state) } else { state.waiting.append(work) }
        }
    }

    /// Cancels what has this number, if it is being done.
    func cancel(_ number: UInt64) {
        state.withLock { $0.running[number] }?.cancel()
    }

    /// Nothing that waits will be done, and what is being done is cancelled.
    func drop() {
        let running = state.withLock { state in
            state.isOver = true
            state.waiting = []
            state.head = 0
            return state.running.values.map(\.self)
        }
        for task in running { task.cancel() }
    }

    private func begin(_ work: Work, _ state: inout State) {
        state.running[work.number] = Task {
            await work.run()
            ended(work)
        }
    }

    private func ended(_ work: Work) {
        state.withLock { state in
            state.running[work.number] = nil
            if let next = state.removeFirst() { begin(next, &state) }
        }
        returned(work.size)
    }
}
