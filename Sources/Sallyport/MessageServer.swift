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
/// Everything may be called from any task.
public final class MessageServer: HandlerHolder {
    /// The addresses that it listens at; a port 0 has become a port.
    public let addresses: [String]
    /// How connections behave.
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

    /// Events that wait for who is slow to take them; the oldest are dropped then.
    private static let keptEvents = 1024

    private init(
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
    ///   - address: `HOST:PORT`, `:PORT` for every address of the machine, `PORT` for this machine alone, `unix:/PATH`, or
    ///     `nil` to listen nowhere and be given connections by ``accept(_:)``.
    ///   - passwords: who may log in.
    ///   - options: how connections behave.
    /// - Returns: the server, once it listens.
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
            loop.perform { context in
                do throws(SystemFailure) {
                    let hub = try ServerHub(bound, table, LinkOptions(options), loop, in: context)
                    let server = MessageServer(hub.addresses, keeper, options, loop)
                    hub.server = server
                    context.hub = hub
                    continuation.resume(returning: .success(server))
                } catch {
                    continuation.resume(returning: .failure(SallyportError(error)))
                }
            }
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
        loop.perform { context in
            context.hub?.stop("")
            context.hub = nil
        }
    }

    /// The handlers for packets and requests of all connections.
    public var handlers: HandlerTable { HandlerTable(handlers: local) }

    /// Runs until the task is cancelled or the server stopped, and stops it then.
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

    /// Takes a client that somebody else has accepted or connected: a stream socket over TCP, a Unix socket, one of a pair.
    ///
    /// The descriptor is the server's from now on, unless this throws. What becomes of it is told by ``events``. Throws
    /// ``SallyportError/Code/invalidArgument`` when it is no such socket, and ``SallyportError/Code/closed`` when the server
    /// has stopped.
    public func accept(_ socket: FileDescriptor) throws(SallyportError) {
        guard !state.withLock({ $0.isStopped }) else {
            throw SallyportError(.closed, "the server has stopped")
        }
        let connection = try DetachedSocket.adopting(fromApplication: socket)
        loop.perform { context in
            guard let hub = context.hub, !hub.isStopped else { return }
            hub.accept(connection)
        }
    }

    /// Takes no more clients and closes all connections, which are told `reason`; returns when they are closed.
    public func stop(_ reason: String = "the server stops") async {
        state.withLock { $0.isStopped = true }
        loop.perform { $0.hub?.stopListening() }
        await withTaskGroup { group in
            for connection in connections { group.addTask { await connection.close(reason) } }
        }
        loop.perform { context in
            context.hub?.stop(reason)
            context.hub = nil
        }
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
    /// The connections that there are, in no order.
    public var connections: [Connection] { state.withLock { Array($0.connections.values) } }

    /// The connection of a token, while there is one.
    public subscript(token: ConnectionToken) -> Connection? { state.withLock { $0.connections[token] } }

    /// What happens to connections from now on, refused ones included; ends when the server has stopped.
    ///
    /// Who takes events so slowly that a thousand wait loses the oldest.
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
    /// No connection is waited for longer than ``ConnectionOptions/requestTimeout``. With `isConfirmed`, it waits until the
    /// packet is in each inbox, as ``Connection/deliver(_:_:timeout:)`` does. Never throws: what went wrong with a connection
    /// stands at its token, where there is `nil` for those that it worked for.
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
                        // A receiver that takes nothing is waited for no longer than an answer.
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

    /// Takes the packet that has waited longest, of all connections.
    public func takeOldest() -> Packet? {
        let oldest = connections.compactMap { connection in
            connection.inbox.oldestPlace.map { ($0, connection.inbox) }
        }
        return oldest.min { $0.0 < $1.0 }?.1.takeOldest()
    }

    /// Takes the packet that came last, of all connections.
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

    /// The handlers that all connections have behind their own.
    var shared: Handlers { local }

    /// The code that is valid now.
    var currentPairing: Pairing? { state.withLock { $0.pairing } }

    /// Lets this code be used, and no other one.
    func use(_ pairing: Pairing) async throws(SallyportError) {
        state.withLock { $0.pairing = pairing }
        try await renewTable()
    }

    /// A code is worth nothing any more.
    func end(_ pairing: Pairing) async {
        let isCurrent = state.withLock { state in
            guard state.pairing === pairing else { return false }
            state.pairing = nil
            return true
        }
        _ = pairing.take()
        if isCurrent { try? await renewTable() }
    }

    /// Has users looked up among those who there are now.
    func renewTable() async throws(SallyportError) {
        let (code, generation) = state.withLock { state in
            state.tableGeneration += 1
            return (state.pairing?.code, state.tableGeneration)
        }
        let table = try await keeper.table(code: code)
        // Another one may have been begun later and been ready sooner.
        guard state.withLock({ $0.tableGeneration == generation }) else { return }
        loop.perform { $0.hub?.table = table }
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
