import CryptoPrimitives
import EventIO
import FoundationEssentials
import SecureLink
import Synchronization
public import SystemPackage

/// A server that clients log in to.
///
/// ```swift
/// let server = try await MessageServer.start(passwords: Passwords(["alice": "correct horse"]))
/// server.answer("chat") { packet, _ in "hello \(packet.sender)" }
/// await server.run()
/// ```
/// All members may be used from any task.
public final class MessageServer: HandlerHolder {
    /// The addresses that the server listens at; a port 0 is replaced by the port that the system chose.
    public let addresses: [String]
    /// The options of the server's connections.
    public let options: ConnectionOptions

    let keeper: PasswordKeeper
    private let local = Handlers()
    private let loop: MessageLoop
    private let state = Mutex(State())

    private struct State {
        var connections: [ConnectionToken: Connection] = [:]
        var listeners: [UInt64: AsyncStream<ConnectionEvent>.Continuation] = [:]
        var nextListener: UInt64 = 0
        var isStopped = false
        var pairing: Pairing?
        var tableGeneration = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// The number of events kept for a slow reader of ``events``; beyond it, the oldest event is dropped.
    ///
    /// Larger: more memory for a reader that never reads. Smaller: a slow reader misses events.
    private static let keptEvents = 1024

    init(
        _ addresses: [String],
        _ keeper: PasswordKeeper,
        _ options: ConnectionOptions,
        _ loop: MessageLoop
    ) {
        self.addresses = addresses
        self.keeper = keeper
        self.options = options
        self.loop = loop
    }

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - address: `HOST:PORT`, `:PORT` for every address of the machine, `PORT` for the loopback address, `unix:/PATH`, or
    ///     `nil` to listen nowhere and take connections from ``accept(_:)`` only.
    ///   - passwords: the users that may log in.
    ///   - options: how connections behave.
    /// - Returns: the server, which is listening.
    /// - Throws: ``SallyportError/Code/invalidArgument``, ``SallyportError/Code/credentials`` or
    ///   ``SallyportError/Code/system``.
    public static func start(
        on address: String? = "127.0.0.1:25565",
        passwords: Passwords,
        options: ConnectionOptions = ConnectionOptions()
    ) async throws(SallyportError) -> MessageServer {
        let bound = try address.map(addresses) ?? []
        let keeper = try await passwords.keeper(application: options.application)
        let table = try await keeper.table()
        let loop = try await MessageLoop.start(name: "sly-server")
        let result: Result<MessageServer, SallyportError> = await withCheckedContinuation { continuation in
            let start = ServerStart(bound: bound, table: table, keeper: keeper, options: options, loop: loop)
            {
                continuation.resume(returning: $0)
            }
            loop.perform(.server(.start(start)))
        }
        return try result.get()
    }

    private static func addresses(of text: String) throws(SallyportError) -> [SocketAddress] {
        let endpoint: Endpoint
        do throws(EndpointFault) {
            endpoint = try Endpoint(parsing: text, for: .listening(barePortHost: "127.0.0.1"))
        } catch {
            throw SallyportError(error)
        }
        do throws(SystemFailure) { return try endpoint.listenAddresses() } catch {
            throw SallyportError(error)
        }
    }

    deinit {
        loop.perform(.server(.stop(reason: "")))
    }

    /// The handlers for packets and requests of all connections.
    public var handlers: HandlerTable { HandlerTable(handlers: local) }

    /// Runs until the task is cancelled or the server is stopped, and then stops the server.
    public func run() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isStopped = state.withLock { state in
                    if !state.isStopped, !Task.isCancelled {
                        state.waiting.append(continuation)
                        return false
                    }
                    return true
                }
                if isStopped { continuation.resume() }
            }
        } onCancel: {
            letGo()
        }
        await stop()
    }

    /// Takes a client over a stream socket that the application has accepted or connected: TCP, a Unix socket, or one of a pair.
    ///
    /// The server owns the descriptor from now on, unless this call throws. ``events`` reports whether the client logs in. Throws
    /// ``SallyportError/Code/invalidArgument`` if the descriptor is not such a socket, and ``SallyportError/Code/closed`` if the
    /// server has stopped.
    public func accept(_ socket: FileDescriptor) throws(SallyportError) {
        guard !state.withLock({ $0.isStopped }) else {
            throw SallyportError(.closed, "the server has stopped")
        }
        let connection = try DetachedSocket.adopting(fromApplication: socket)
        loop.perform(.server(.accept(connection)))
    }

    /// Stops listening and closes all connections, sending `reason` to each client; returns when they are closed.
    public func stop(_ reason: String = "the server stops") async {
        state.withLock { $0.isStopped = true }
        loop.perform(.server(.stopListening))
        await withTaskGroup { group in
            for connection in connections { group.addTask { await connection.close(reason) } }
        }
        loop.perform(.server(.stop(reason: reason)))
        let listeners = state.withLock { state in
            defer { state.listeners = [:] }
            return state.listeners
        }
        for listener in listeners.values { listener.finish() }
        letGo()
    }

    private func letGo() {
        let waiting = state.withLock { state in
            state.isStopped = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

// MARK: - Connections

extension MessageServer {
    /// The open connections, in no particular order.
    public var connections: [Connection] { state.withLock { Array($0.connections.values) } }

    /// The connection with a token, or `nil` if it is over.
    public subscript(token: ConnectionToken) -> Connection? { state.withLock { $0.connections[token] } }

    /// The events of connections from now on, including rejected clients; the stream ends when the server has stopped.
    ///
    /// If 1024 events wait because the reader is slow, the oldest is dropped for each new one.
    public var events: AsyncStream<ConnectionEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ConnectionEvent.self,
            bufferingPolicy: .bufferingNewest(Self.keptEvents)
        )
        let id = state.withLock { state -> UInt64? in
            guard !state.isStopped else { return nil }
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            return state.nextListener
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: id) }
        }
        return stream
    }

    /// Sends a packet to all connections, each at its own pace.
    ///
    /// No connection delays the call for longer than ``ConnectionOptions/requestTimeout``. With `isConfirmed`, the call waits
    /// until the packet is in each inbox, as ``Connection/deliver(_:_:timeout:)`` does. Connections of tunnel clients are left
    /// out, because they take no packets. Never throws: the result has an entry for each other connection, which is its error,
    /// or `nil` if the packet was sent.
    @discardableResult
    public func broadcast(
        _ action: String,
        _ payload: Payload = .empty,
        isConfirmed: Bool = false
    ) async -> [ConnectionToken: SallyportError?] {
        await withTaskGroup(of: (ConnectionToken?, SallyportError?).self) { group in
            for connection in connections where connection.takesMessages.load(ordering: .relaxed) {
                group.addTask {
                    do throws(SallyportError) {
                        // A receiver that takes nothing delays the call by a request's timeout at most.
                        if isConfirmed {
                            try await connection.deliver(action, payload)
                        } else {
                            try await connection.sendInTime(action, payload)
                        }
                        return (connection.token, nil)
                    } catch {
                        return (connection.token, error)
                    }
                }
            }
            var results: [ConnectionToken: SallyportError?] = [:]
            for await (token, failure) in group {
                if let token { results.updateValue(failure, forKey: token) }
            }
            return results
        }
    }

    /// Takes the oldest packet from the inboxes of all connections.
    public func takeOldest() -> Packet? {
        let oldest = connections.compactMap { connection in
            connection.inbox.oldestPlace.map { ($0, connection.inbox) }
        }
        return oldest.min { $0.0 < $1.0 }?.1.takeOldest()
    }

    /// Takes the newest packet from the inboxes of all connections.
    public func takeNewest() -> Packet? {
        let newest = connections.compactMap { connection in
            connection.inbox.newestPlace.map { ($0, connection.inbox) }
        }
        return newest.max { $0.0 < $1.0 }?.1.takeNewest()
    }

    func began(_ connection: Connection) {
        guard let token = connection.token else { return }
        state.withLock { $0.connections[token] = connection }
    }

    func ended(_ connection: Connection) {
        guard let token = connection.token else { return }
        state.withLock { $0.connections[token] = nil }
    }

    func tell(_ event: ConnectionEvent) {
        let listeners = state.withLock { Array($0.listeners.values) }
        for listener in listeners { listener.yield(event) }
    }

    /// The server's handlers, which every connection uses for actions without a handler of its own.
    var shared: Handlers { local }

    /// The pairing code that is valid now.
    var currentPairing: Pairing? { state.withLock { $0.pairing } }

    /// Makes this pairing code the only valid one.
    func use(_ pairing: Pairing) async throws(SallyportError) {
        state.withLock { $0.pairing = pairing }
        try await renewTable()
    }

    /// Makes a pairing code invalid.
    func end(_ pairing: Pairing) async {
        let isCurrent = state.withLock { state in
            guard state.pairing === pairing else { return false }
            state.pairing = nil
            return true
        }
        _ = pairing.take()
        if isCurrent { try? await renewTable() }
    }

    /// Rebuilds the table of users that new clients are checked against.
    func renewTable() async throws(SallyportError) {
        let (code, generation) = state.withLock { state in
            state.tableGeneration += 1
            return (state.pairing?.code, state.tableGeneration)
        }
        let table = try await keeper.table(code: code)
        // A later call may have finished its table earlier.
        guard state.withLock({ $0.tableGeneration == generation }) else { return }
        loop.perform(.server(.use(table)))
    }

    func tellPaired(_ user: String, _ connection: Connection) {
        tell(
            ConnectionEvent(
                kind: .paired,
                address: connection.remoteAddress,
                user: user,
                token: nil,
                time: Date()
            )
        )
    }
}
