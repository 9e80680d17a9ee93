import CryptoPrimitives
package import EventIO
import ProtocolCore

/// Dials one link to a peer and logs in: connects, shakes hands.
///
/// It calls back once and is then of no more use; freed before, it stops. Confined to its loop's thread.
package final class LinkDialer {
    private let environment: LinkEnvironment
    private let store: CredentialStore
    private let options: LinkOptions
    private let connector: PeerConnector
    private var completion: ((Result<PeerSession, LinkFailure>) -> Void)?

    private var socket: StreamSocket?
    private var remote: SocketAddress?
    private var handshake: ClientHandshake?
    private var nextShare: (credential: ClientCredential, share: ProverShare)?
    private var received: [UInt8] = []
    private var deadline: LoopTimer?
    /// Counts addresses, so that an answer to a job of one is not taken for the next one's.
    private var attempt = 0
    /// Whether the server had us stretch the password.
    private var hasStretched = false
    private var buffer = [UInt8](repeating: 0, count: 4096)

    /// A link to the first of `endpoints` that answers; each name may have several addresses.
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

    /// A link over a connection that somebody else has made, which is the link's from now on.
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
        deadline = LoopTimer(environment.loop) { [unowned self] in fail(.timeout) }
    }

    deinit {
        socket?.close()
    }

    /// Begins.
    package func start() {
        guard let credential = store.credential else {
            connectNext()
            return
        }
        // The share is made before the link is there, so that the hello leaves as soon as it is.
        makeShare(credential) { [weak self] share in
            self?.nextShare = (credential, share)
            self?.connectNext()
        }
    }

    private func finish(_ result: Result<PeerSession, LinkFailure>) {
        deadline?.cancel()
        let completion = completion
        self.completion = nil
        if case .failure = result { socket?.close() }
        socket = nil
        handshake = nil
        completion?(result)
    }

    private func fail(_ failure: LinkFailure) {
        // A server that asks for work and then goes away is not asked again at once either.
        if failure == .passwordRefused || hasStretched { store.noteRefusal(at: environment.loop.now) }
        hasStretched = false
        guard failure.mayBeOfOneAddress, completion != nil, !connector.isExhausted else {
            finish(.failure(failure))
            return
        }
        attempt += 1
        deadline?.cancel()
        socket?.close()
        socket = nil
        handshake = nil
        received = []
        start()
    }
}

// MARK: - Connecting

extension LinkDialer {
    private func connectNext() {
        guard completion != nil else { return }
        connector.next { [weak self] result in
            switch result {
            case .success(let connection): self?.connected(connection)
            case .failure(let failure): self?.fail(failure)
            }
        }
    }

    private func connected(_ connection: PeerConnector.Connection) {
        socket = connection.socket
        remote = connection.remote
        connection.socket.handler = self
        do throws(CryptoFailure) {
            var handshake = ClientHandshake(
                random: try SystemRandom.bytes(count: 32),
                suites: options.suites,
                parameters: options.parameters,
                pinnedRealm: store.pinnedRealm
            )
            let hello = handshake.begin(with: nextShare)
            // A share is used once.
            nextShare = nil
            self.handshake = consume handshake
            deadline?.schedule(after: options.handshakeTimeout)
            send(hello)
        } catch {
            fail(LinkFailure(.crypto(error)))
        }
    }
}

// MARK: - Shaking hands

extension LinkDialer: StreamSocketHandler {
    package func socketReadable(_ socket: StreamSocket) {
        guard handshake != nil else { return }
        while true {
            switch buffer.withUnsafeMutableBytes({ socket.read(into: $0) }) {
            case .bytes(let count):
                received += buffer[..<count]
                guard received.count <= Self.mostReceived else {
                    fail(.incompatible("a message that is too long"))
                    return
                }
            case .nothing:
                proceed()
                return
            case .end:
                proceed()
                if self.socket === socket { fail(.closed) }
                return
            case .failed:
                fail(.closed)
                return
            }
        }
    }

    package func socketWritable(_ socket: StreamSocket) {}

    package func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) {
        fail(.closed)
    }

    /// Two hellos of the largest size: what a server may say before it has proved itself.
    private static let mostReceived = 2 * (HandshakeFrame.headerCount + 2048)

    private func proceed() {
        do {
            let step = try received.withUnsafeBytes { bytes in
                let (consumed, step) = try handshake?.receive(bytes) ?? (0, .wait)
                return (consumed, step)
            }
            received.removeFirst(step.0)
            switch step.1 {
            case .wait: break
            case .learn(let realm, let cost): learn(realm, cost)
            case .prove(let job): prove(job)
            }
        } catch let fault as HandshakeFault {
            fail(LinkFailure(fault))
        } catch {
            fail(.failed("\(error)"))
        }
    }

    private func learn(_ realm: Realm, _ cost: ScryptCost) {
        guard store.accepts(realm) else {
            fail(.otherApplication(realm.text))
            return
        }
        let attempt = attempt
        hasStretched = true
        let done = environment.jobs.callback {
            [weak self] (result: Result<ClientCredential, CryptoFailure>) in
            guard let self, completion != nil, self.attempt == attempt else { return }
            switch result {
            case .success(let credential): logIn(credential)
            case .failure(let failure): fail(LinkFailure(.crypto(failure)))
            }
        }
        store.stretch(for: realm, at: cost, done)
    }

    private func logIn(_ credential: ClientCredential) {
        makeShare(credential) { [weak self] share in
            guard let self, let hello = handshake?.continue(with: credential, share: share) else { return }
            send(hello)
        }
    }

    private func makeShare(_ credential: ClientCredential, _ completion: @escaping (ProverShare) -> Void) {
        let job: @Sendable () -> Result<ProverShare, CryptoFailure> = {
            do throws(CryptoFailure) {
                let random = try SystemRandom.secretBytes(count: P521.scalarCount)
                return .success(try ProverShare(credential: credential, random: random))
            } catch {
                return .failure(error)
            }
        }
        run(job) { result in
            switch result {
            case .success(let share): completion(share)
            case .failure(let failure): self.fail(LinkFailure(.crypto(failure)))
            }
        }
    }

    private func prove(_ job: ProverJob) {
        let work: @Sendable () -> Result<ExchangeProducts?, CryptoFailure> = {
            do throws(CryptoFailure) { return .success(try job.run()) } catch { return .failure(error) }
        }
        run(work) { result in
            switch result {
            case .success(let products): self.prove(with: products)
            case .failure(let failure): self.fail(LinkFailure(.crypto(failure)))
            }
        }
    }

    private func prove(with products: ExchangeProducts?) {
        guard let socket, let remote else { return }
        do throws(HandshakeFault) {
            guard let (message, agreement) = try handshake?.finish(with: products) else { return }
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
            let received = received
            finish(.success(session))
            session.start(received: received)
        } catch {
            fail(LinkFailure(error))
        }
    }

    private func run<Result: Sendable>(
        _ job: @escaping @Sendable () -> Result,
        then completion: @escaping (Result) -> Void
    ) {
        let attempt = attempt
        let accepted = environment.jobs.run(job) { [weak self] result in
            guard let self, self.completion != nil, self.attempt == attempt else { return }
            completion(result)
        }
        if !accepted { fail(.failed("too many handshakes at once")) }
    }

    private func send(_ message: [UInt8]) {
        guard let socket else { return }
        let result = message.withUnsafeBytes { socket.write($0) }
        // A new connection takes some hundred bytes; if it does not, it is of no use.
        guard case .took(message.count) = result else {
            fail(.closed)
            return
        }
    }
}
