import Synchronization

/// What is called with a packet.
struct Handler: Sendable {
    /// What is called; what it returns is the answer, if somebody waits for one.
    enum Body: Sendable {
        /// When all of the packet is here.
        case whole(@Sendable (Packet, Connection) async throws -> Payload)
        /// The same, on the thread that moves the connection's bytes.
        case atOnce(@Sendable (Packet, Connection) throws -> Payload)
        /// When its payload begins to come.
        case chunks(@Sendable (IncomingPacket, Connection) async throws -> Payload)
    }

    /// Whether it is called for one packet of a connection after the other.
    let isSerial: Bool
    let body: Body

    init(isSerial: Bool, body: @escaping @Sendable (Packet, Connection) async throws -> Payload) {
        self.isSerial = isSerial
        self.body = .whole(body)
    }

    /// A handler of chunks; packets that come in chunks travel beside all others, and are handled so.
    init(chunks: @escaping @Sendable (IncomingPacket, Connection) async throws -> Payload) {
        isSerial = false
        body = .chunks(chunks)
    }

    /// A handler that is called where the packet was read.
    init(atOnce: @escaping @Sendable (Packet, Connection) throws -> Payload) {
        isSerial = false
        body = .atOnce(atOnce)
    }

    /// What is called where the packet was read, if it is.
    var atOnce: (@Sendable (Packet, Connection) throws -> Payload)? {
        if case .atOnce(let body) = body { body } else { nil }
    }

    /// Whether it takes what has not come yet.
    var takesChunks: Bool {
        if case .chunks = body { true } else { false }
    }

    /// Calls it with a packet that is here.
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
        let handler = Handler(isSerial: true) { packet, connection in
            try await handler(packet, connection)
            return .empty
        }
        handlers.handlers.set(actions, handler)
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
        handlers.handlers.set(actions, Handler(isSerial: false, body: handler))
    }

    /// Has `handler` answer each request about one of these actions at once, on the thread that moves bytes.
    ///
    /// No task is made and no thread woken, which saves a third of what a short request costs. But all connections of the
    /// server, or all clients of the process, wait while it is at work: it is for what takes microseconds and never
    /// blocks. Its answer has at most 64 KiB; what it throws is told as by ``answer(_:with:)``.
    public func answerAtOnce(
        _ actions: String...,
        with handler: @escaping @Sendable (Packet, Connection) throws -> Payload
    ) {
        handlers.handlers.set(actions, Handler(atOnce: handler))
    }

    /// Has `handler` answer each request about `action`, whose payload and answer are values in JSON.
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

    /// Has `handler` called with each packet about `action` as soon as it begins to come; its payload is taken as chunks.
    ///
    /// Nothing of a payload is held but what the handler has not taken yet, ``ConnectionOptions/window`` at most. Up to
    /// ``ConnectionOptions/concurrentRequests`` are handled at a time, in no order. Who has sent a request gets an empty
    /// answer when the handler returns.
    public func on(
        chunksOf action: String,
        perform handler: @escaping @Sendable (IncomingPacket, Connection) async throws -> Void
    ) {
        answer(chunksOf: action) { packet, connection in
            try await handler(packet, connection)
            return .empty
        }
    }

    /// Has `handler` answer each request about `action` as soon as it begins to come; its payload is taken as chunks.
    ///
    /// What ``on(chunksOf:perform:)`` and ``answer(_:with:)`` say holds.
    public func answer(
        chunksOf action: String,
        with handler: @escaping @Sendable (IncomingPacket, Connection) async throws -> Payload
    ) {
        handlers.handlers.set([action], Handler(chunks: handler))
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
    /// Something to do.
    struct Work: Sendable {
        /// What its sender calls it; nobody can make others be forgotten by repeating one.
        let number: UInt64
        let run: @Sendable () async -> Void
        /// Called once, when it is done or will not be: what it took of the window goes back.
        let ended: @Sendable () -> Void
    }

    private struct State {
        var waiting = Fifo<Work>()
        var waitingNumbers: Set<UInt64> = []
        var cancelledNumbers: Set<UInt64> = []
        var running: [UInt64: Task<Void, Never>] = [:]
        /// The last one of each number that is being done.
        var tickets: [UInt64: UInt64] = [:]
        var nextTicket: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let most: Int

    init(atMost most: Int) {
        self.most = max(1, most)
    }

    /// Does it as soon as there is room.
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

    /// Cancels what has this number: what is being done is told, what waits is not begun.
    func cancel(_ number: UInt64) {
        let task = state.withLock { state -> Task<Void, Never>? in
            if state.waitingNumbers.contains(number) { state.cancelledNumbers.insert(number) }
            return state.tickets[number].flatMap { state.running[$0] }
        }
        task?.cancel()
    }

    /// Takes nothing more; what there is is done.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    /// Takes nothing more, forgets what waits and cancels what is being done.
    func drop() {
        let (waiting, running) = state.withLock { state in
            state.isClosed = true
            state.waitingNumbers = []
            return (state.waiting.removeAll(), Array(state.running.values))
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
            while let next = state.waiting.removeFirst() {
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
