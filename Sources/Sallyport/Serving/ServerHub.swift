import CryptoPrimitives
import EventIO
import FoundationEssentials
import SecureLink
import Vocabulary

/// The loop's side of a server: listeners, unauthenticated clients and sessions.
///
/// Confined to the loop's thread.
final class ServerHub {
    private unowned let context: LoopContext
    private let messageLoop: MessageLoop
    /// The users that may log in.
    var table: PasswordTable
    private let options: LinkOptions
    private let gate = HandshakeGate(maxUnderWay: 1024)
    private let registry: SessionRegistry
    let resumable: ResumableSessions
    private var listeners: [Listener] = []
    private var acceptors: [ObjectIdentifier: LinkAcceptor] = [:]
    private var drivers: [ObjectIdentifier: ConnectionDriver] = [:]
    weak var server: MessageServer?
    /// Whether the hub accepts no more clients.
    private(set) var isStopped = false

    init(
        _ bound: [SocketAddress],
        _ table: PasswordTable,
        _ options: LinkOptions,
        _ messageLoop: MessageLoop,
        in context: LoopContext
    ) throws(SystemFailure) {
        self.context = context
        self.messageLoop = messageLoop
        self.table = table
        self.options = options
        registry = try SessionRegistry()
        resumable = ResumableSessions(registry, in: context.environment) { call in
            messageLoop.perform(.server(.session(call)))
        }
        for address in bound {
            listeners.append(try Listener(BoundSocket(address), loop: context.loop, handler: self))
        }
    }

    /// The addresses that the listeners are bound to.
    var addresses: [String] { listeners.map { "\($0.address)" } }

    func stopListening() {
        isStopped = true
        for listener in listeners { listener.close() }
        listeners = []
        acceptors = [:]
    }

    func stop(_ reason: String) {
        stopListening()
        for driver in Array(drivers.values) { driver.session.closeAtOnce(reason) }
    }

    func accept(_ connection: DetachedSocket) {
        let acceptor = LinkAcceptor(
            connection,
            table: table,
            options: options,
            gate: gate,
            registry: registry,
            in: context.environment
        ) { [unowned self] acceptor, result in
            acceptors[ObjectIdentifier(acceptor)] = nil
            switch result {
            case .session(let session): begin(session)
            case .handedOver: break
            case .refused(let failure):
                if failure.isWrongGuess, failure.user == PasswordKeeper.pairingUser { guessedWrongly() }
                tell(.refused(reason: failure.text), "\(failure.remote)", failure.user, nil)
            }
        }
        acceptors[ObjectIdentifier(acceptor)] = acceptor
        acceptor.start()
    }

    private func begin(_ session: PeerSession) {
        guard let server, let random = try? SystemRandom.bytes(count: 16) else {
            session.closeAtOnce()
            return
        }
        let isPairing = session.userName == PasswordKeeper.pairingUser
        let connection = Connection(
            Connection.Facts(
                user: session.userName,
                remoteAddress: "\(session.remote)",
                isEncrypted: session.isEncrypted,
                token: ConnectionToken(random: random)
            ),
            options: server.options,
            loop: messageLoop,
            handlers: isPairing ? Self.handlersForPairing(server) : server.shared
        )
        let driver = ConnectionDriver(session, connection, in: context, resumption: nil)
        if !isPairing { driver.observer = self }
        session.owner = self
        drivers[ObjectIdentifier(session)] = driver
        resumable.add(session)
    }

    /// Counts a wrong guess of the pairing code, which is short and must not be guessed many times.
    private func guessedWrongly() {
        guard let server, let pairing = server.currentPairing, pairing.guessedWrongly() else { return }
        Task { await server.end(pairing) }
    }

    /// Returns the handlers for a client with a pairing code, which may request its password and nothing else.
    private static func handlersForPairing(_ server: MessageServer) -> Handlers {
        let handlers = Handlers()
        let grant = Handler(isSerial: true) { [weak server] _, connection in
            guard let server else { throw SallyportError(.closed, "the server has stopped") }
            return try await server.grant(to: connection)
        }
        handlers.set([Pairing.action], grant)
        return handlers
    }

    private func tell(
        _ kind: ConnectionEvent.Kind,
        _ address: String,
        _ user: String?,
        _ token: ConnectionToken?
    ) {
        server?.tell(ConnectionEvent(kind: kind, address: address, user: user, token: token, time: Date()))
    }

    private func tell(_ kind: ConnectionEvent.Kind, _ connection: Connection) {
        tell(kind, connection.remoteAddress, connection.user, connection.token)
    }
}

extension ServerHub: ListenerHandler {
    func listener(_ listener: Listener, accepted connection: DetachedSocket) {
        accept(connection)
    }

    func listener(_ listener: Listener, pausedBy failure: SystemFailure) {
        tell(.refused(reason: failure.description), "\(listener.address)", nil, nil)
    }

    func listenerResumed(_ listener: Listener) {}
}

extension ServerHub: ConnectionObserver {
    func connectionBegan(_ connection: Connection) {
        server?.began(connection)
        tell(.connected, connection)
    }

    func connection(_ connection: Connection, lostLink reason: String) {
        tell(.interrupted(reason: reason), connection)
    }

    func connectionResumed(_ connection: Connection) {
        tell(.resumed, connection)
    }

    func connection(_ connection: Connection, ended failure: SallyportError) {
        server?.ended(connection)
        tell(.disconnected(failure), connection)
    }
}

// The hub tracks which sessions can be resumed; their drivers handle everything else.
extension ServerHub: PeerSessionOwner {
    func session(
        _ session: PeerSession,
        opened stream: LinkStream,
        for request: StreamRequest
    ) -> (any StreamEndpoint)? {
        drivers[ObjectIdentifier(session)]?.session(session, opened: stream, for: request)
    }

    func session(_ session: PeerSession, _ notice: SessionNotice) {
        switch notice {
        case .goesAway, .measured: break
        case .detached: resumable.detached(session)
        case .resumed: resumable.attached(session)
        case .ended:
            resumable.remove(session)
            drivers.removeValue(forKey: ObjectIdentifier(session))?.session(session, notice)
            return
        }
        drivers[ObjectIdentifier(session)]?.session(session, notice)
    }
}
