import Basics
import CryptoPrimitives
package import EventIO
import ProtocolCore
import Vocabulary

/// Dials one link to a peer and logs in: the shell of ``LoginStateMachine``.
///
/// It calls back once and is not used after that. If it is freed before, it stops. It is confined to its loop's thread.
package final class LinkDialer {
    private let environment: LinkEnvironment
    private let store: CredentialStore
    private let options: LinkOptions
    private let connector: PeerConnector
    private var machine: LoginStateMachine
    private var completion: ((Result<PeerSession, LinkFailure>) -> Void)?
    private var connection: (socket: HandshakeSocket, remote: SocketAddress)?

    /// A dialer to the first of `endpoints` that answers; each name may have several addresses.
    package convenience init(
        to endpoints: [Endpoint],
        as store: CredentialStore,
        options: LinkOptions,
        connectTimeout: Duration,
        in environment: LinkEnvironment,
        _ completion: @escaping (Result<PeerSession, LinkFailure>) -> Void
    ) {
        let connector = PeerConnector(to: endpoints, timeout: connectTimeout, in: environment)
        self.init(connector, store, options, environment, completion)
    }

    /// A dialer over a connection that the caller has established and hands over.
    package convenience init(
        over connection: DetachedSocket,
        as store: CredentialStore,
        options: LinkOptions,
        in environment: LinkEnvironment,
        _ completion: @escaping (Result<PeerSession, LinkFailure>) -> Void
    ) {
        self.init(PeerConnector(over: connection, in: environment), store, options, environment, completion)
    }

    private init(
        _ connector: PeerConnector,
        _ store: CredentialStore,
        _ options: LinkOptions,
        _ environment: LinkEnvironment,
        _ completion: @escaping (Result<PeerSession, LinkFailure>) -> Void
    ) {
        self.environment = environment
        self.store = store
        self.options = options
        self.completion = completion
        self.connector = connector
        machine = LoginStateMachine(
            LoginStateMachine.Settings(
                suites: options.suites,
                parameters: options.parameters,
                pinnedRealm: store.pinnedRealm
            )
        )
    }

    /// Starts to dial.
    package func start() {
        run(machine.start(store.credential))
    }

    private func run(_ actions: [LoginStateMachine.Action]) {
        for action in actions { run(action) }
    }

    private func run(_ action: LoginStateMachine.Action) {
        switch action {
        case .share(let credential): makeShare(credential)
        case .connect: connect()
        case .startDeadline:
            connection?.socket.setDeadline(environment.loop.now.advanced(by: options.handshakeTimeout))
        case .send(let message):
            if connection?.socket.send(message) == false { fail(.closed) }
        case .stretch(let realm, let cost): stretch(realm, cost)
        case .prove(let job): prove(job)
        case .noteRefusal: store.noteRefusal(at: environment.loop.now)
        case .retry:
            dropConnection()
            run(machine.start(store.credential))
        case .establish(let agreement, let message, let received): establish(agreement, message, received)
        case .fail(let failure):
            dropConnection()
            finish(.failure(failure))
        }
    }

    private func dropConnection() {
        connection?.socket.close()
        connection = nil
    }

    private func fail(_ failure: LinkFailure) {
        run(machine.failed(failure, hasMoreAddresses: !connector.isExhausted))
    }

    private func finish(_ result: Result<PeerSession, LinkFailure>) {
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}

extension LinkDialer: HandshakeSocketOwner {
    func handshakeSocket(_ socket: HandshakeSocket, _ event: HandshakeSocket.Event) {
        // A late event of the previous connection does not concern the next one.
        guard connection?.socket === socket else { return }
        switch event {
        case .received(let bytes): run(machine.received(bytes, hasMoreAddresses: !connector.isExhausted))
        case .closed: fail(.closed)
        case .timedOut: fail(.timeout)
        }
    }
}

// MARK: - The machine's steps

extension LinkDialer {
    private func connect() {
        connector.next { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let connection): connected(connection)
            case .failure(let failure): fail(failure)
            }
        }
    }

    private func connected(_ connection: PeerConnector.Connection) {
        let socket = HandshakeSocket(connection.socket, loop: environment.loop, owner: self)
        self.connection = (socket, connection.remote)
        do throws(CryptoFailure) {
            run(machine.connected(random: try SystemRandom.bytes(count: 32)))
        } catch {
            fail(LinkFailure(.crypto(error)))
        }
    }

    private func stretch(_ realm: Realm, _ cost: ScryptCost) {
        guard store.accepts(realm) else {
            fail(.otherApplication(realm.text))
            return
        }
        let attempt = machine.attempt
        let done = environment.jobs.callback {
            [weak self] (result: Result<ClientCredential, CryptoFailure>) in
            self?.take(result, of: attempt) { credential in
                self?.run(self?.machine.stretched(credential, attempt: attempt) ?? [])
            }
        }
        store.stretch(for: realm, at: cost, done)
    }

    private func makeShare(_ credential: ClientCredential) {
        let attempt = machine.attempt
        compute { () throws(CryptoFailure) in
            let random = try SystemRandom.secretBytes(count: P521.scalarCount)
            return try ProverShare(credential: credential, random: random)
        } then: { [weak self] share in
            guard let self else { return }
            run(machine.shared(share, attempt: attempt))
        }
    }

    private func prove(_ job: ProverJob) {
        let attempt = machine.attempt
        compute { () throws(CryptoFailure) in
            try job.run()
        } then: { [weak self] products in
            guard let self else { return }
            let hasMore = !connector.isExhausted
            run(machine.proved(products, attempt: attempt, hasMoreAddresses: hasMore))
        }
    }

    private func establish(_ agreement: Agreement, _ message: [UInt8], _ received: [UInt8]) {
        guard let (handshake, remote) = connection, let socket = handshake.release() else { return }
        connection = nil
        do throws(HandshakeFault) {
            let session = try PeerSession(
                role: .client,
                agreement: agreement,
                options: options,
                socket: socket,
                remote: remote,
                preamble: message,
                environment: environment
            )
            store.noteSuccess()
            finish(.success(session))
            session.start(received: received)
        } catch {
            socket.close()
            finish(.failure(LinkFailure(error)))
        }
    }

    /// Runs a job on another thread and passes its result to `use` on this one, unless the attempt is over by then.
    private func compute<Value: Sendable>(
        _ job: @escaping @Sendable () throws(CryptoFailure) -> Value,
        then use: @escaping (Value) -> Void
    ) {
        let attempt = machine.attempt
        let work: @Sendable () -> Result<Value, CryptoFailure> = {
            do throws(CryptoFailure) { return .success(try job()) } catch { return .failure(error) }
        }
        let isAccepted = environment.jobs.run(work) { [weak self] result in
            self?.take(result, of: attempt, use)
        }
        if !isAccepted { fail(.failed("too many handshakes at once")) }
    }

    private func take<Value>(
        _ result: Result<Value, CryptoFailure>,
        of attempt: Int,
        _ use: (Value) -> Void
    ) {
        guard machine.attempt == attempt, !machine.isOver else { return }
        switch result {
        case .success(let value): use(value)
        case .failure(let failure): fail(LinkFailure(.crypto(failure)))
        }
    }
}
