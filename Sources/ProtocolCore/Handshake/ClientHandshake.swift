package import CryptoPrimitives
package import Vocabulary

/// The client's side of a handshake, as a state machine without sockets and threads.
///
/// ```
/// begin ──► hello sent ──ServerHello──► proving ──products──► established
///   │           ▲  │
///   └► realm    │  └─Retry: realm─► stretching ─┐
///      asked ───┼───────Retry: realm────────────┤
///               └────────── second hello ───────┘
/// ```
/// The caller runs the heavy arithmetic as a job and passes the result back; it also passes in the random bytes.
package struct ClientHandshake: ~Copyable {
    /// The caller's next action.
    package enum Step: Sendable {
        /// Pass more bytes when they arrive.
        case wait
        /// Make a credential for this realm at this cost, then call ``continue(with:share:)``.
        case learn(Realm, ScryptCost)
        /// Run the job on another thread, then call ``finish(with:)``.
        case prove(ProverJob)
    }

    private enum State {
        case askedForRealm
        case stretching
        case sentHello(Login)
        case proving(Login, ServerHello, confirmation: [UInt8])
        case over
    }

    private struct Login {
        let credential: ClientCredential
        let share: ProverShare
    }

    private var state: State
    private var transcript = Transcript()
    private let random: [UInt8]
    private let suites: [Suite]
    private let parameters: SessionParameters
    private let pinnedRealm: Realm?
    private var hadRealmRetry = false

    /// Creates a handshake.
    ///
    /// - Parameters:
    ///   - random: 32 random bytes, used once.
    ///   - suites: the accepted suites, in the client's order of preference; ``Suite/encrypted`` must be among them.
    ///   - parameters: the parameters that this end announces.
    ///   - pinnedRealm: the only realm that is accepted, if there is one.
    package init(random: [UInt8], suites: [Suite], parameters: SessionParameters, pinnedRealm: Realm? = nil) {
        precondition(random.count == ClientHello.randomCount, "32 random bytes")
        precondition(suites.contains(.encrypted), "the suite that every end has")
        self.random = random
        self.suites = suites
        self.parameters = parameters
        self.pinnedRealm = pinnedRealm
        state = .over
    }

    /// Returns the first message, to be sent as soon as the link is connected.
    ///
    /// `login` is a credential and a share made for this handshake alone; `nil` asks for the realm first.
    package mutating func begin(with login: (credential: ClientCredential, share: ProverShare)?) -> [UInt8] {
        guard let login else {
            state = .askedForRealm
            return send(.realmQuery)
        }
        return sendLogin(login.credential, login.share)
    }

    /// Returns the second hello, after ``Step/learn(_:_:)``.
    package mutating func `continue`(with credential: ClientCredential, share: ProverShare) -> [UInt8] {
        // This end's own code decides the order of the calls; nothing that a peer sends can change it.
        guard case .stretching = leaveState() else { preconditionFailure("no credential was asked for") }
        return sendLogin(credential, share)
    }

    /// Handles bytes from the server.
    ///
    /// - Parameter bytes: all bytes that arrived and were not consumed yet.
    /// - Returns: the number of consumed bytes, and the next step.
    /// - Throws: the reason why this handshake has failed.
    package mutating func receive(
        _ bytes: UnsafeRawBufferPointer
    ) throws(HandshakeFault) -> (consumed: Int, step: Step) {
        do throws(HandshakeFault) {
            return try takeMessage(bytes)
        } catch {
            state = .over
            throw error
        }
    }

    private mutating func takeMessage(
        _ bytes: UnsafeRawBufferPointer
    ) throws(HandshakeFault) -> (consumed: Int, step: Step) {
        let expected: [HandshakeKind] =
            switch state {
            case .askedForRealm: [.retry, .reject]
            case .sentHello: [.serverHello, .retry, .reject]
            // It is the client's turn, but a server whose time limit has passed sends Reject.
            case .stretching: [.reject]
            case .proving: [.reject]
            case .over: []
            }
        guard let (kind, count) = try HandshakeFrame.measure(bytes, expecting: expected) else {
            return (0, .wait)
        }
        let frame = UnsafeRawBufferPointer(rebasing: bytes.prefix(count))
        switch kind {
        case .serverHello: return (count, try receiveServerHello(frame))
        case .retry: return (count, try receiveRetry(frame))
        case .reject:
            let reject = try Reject(frame: frame)
            throw .rejected(reject.code, retryAfterSeconds: reject.retryAfterSeconds)
        case .clientHello, .clientFinish: throw .unexpectedMessage
        }
    }

    /// Checks the server's proof and computes the client's.
    ///
    /// - Parameter products: the result of the job of ``Step/prove(_:)``.
    /// - Returns: the last message, to be sent before any record, and the agreement.
    /// - Throws: ``HandshakeFault/authentication`` if the server does not know the password; the client must send nothing
    ///   more then.
    package mutating func finish(
        with products: ExchangeProducts?
    ) throws(HandshakeFault) -> (message: [UInt8], agreement: Agreement) {
        // This end's own code decides the order of the calls; nothing that a peer sends can change it.
        guard case .proving(let login, let hello, let confirmation) = leaveState() else {
            preconditionFailure("no job was given out")
        }
        guard let products else { throw .authentication }
        let context = transcript.context
        let keys = try orCryptoFault { () throws(CryptoFailure) in
            try ExchangeKeys(
                context: context,
                prover: login.credential.identity.bytes,
                verifier: login.credential.realm.bytes,
                shareP: login.share.share,
                shareV: hello.share,
                products: products,
                w0: login.credential.secret.w0
            )
        }
        let expected = HMAC.code(key: keys.confirmVerifier, message: login.share.share)
        guard ConstantTime.areEqual(expected, confirmation) else { throw .authentication }
        transcript.add(confirmation)
        let hellos = transcript.hash
        let message = HandshakeFrame.encode(
            .clientFinish,
            body: HMAC.code(key: keys.confirmProver, message: hello.share)
        )
        transcript.add(message)
        let whole = transcript.hash
        let secrets = try orCryptoFault { () throws(CryptoFailure) in
            try SessionSecrets(shared: keys.shared, hellos: hellos, whole: whole)
        }
        let agreement = Agreement(
            identity: login.credential.identity,
            suite: hello.suite,
            secrets: secrets,
            peerParameters: hello.parameters
        )
        return (message, agreement)
    }
}

// MARK: - Messages

extension ClientHandshake {
    /// Takes the state and leaves `over` behind: a step that sets no new state ends the handshake.
    private mutating func leaveState() -> State {
        let left = state
        state = .over
        return left
    }

    private mutating func send(_ request: ClientHello.Request) -> [UInt8] {
        let hello = ClientHello(random: random, suites: suites, request: request, parameters: parameters)
        let message = hello.encoded()
        transcript.add(message)
        return message
    }

    private mutating func sendLogin(_ credential: ClientCredential, _ share: ProverShare) -> [UInt8] {
        state = .sentHello(Login(credential: credential, share: share))
        return send(.login(tag: credential.tag, realmHint: credential.realmHint, share: share.share))
    }

    private mutating func receiveServerHello(
        _ frame: UnsafeRawBufferPointer
    ) throws(HandshakeFault) -> Step {
        guard case .sentHello(let login) = leaveState() else {
            throw .unexpectedMessage
        }
        let (hello, confirmation) = try ServerHello.read(frame: frame)
        guard suites.contains(hello.suite) else { throw .suite }
        guard hello.realmHint == login.credential.realmHint else { throw .authentication }
        guard (try? P521.Point(encoded: hello.share)) != nil else { throw .invalidPoint }
        transcript.add(frame.dropLast(ServerHello.confirmationCount))
        state = .proving(login, hello, confirmation: confirmation)
        return .prove(
            ProverJob(
                scalar: login.share.scalar,
                w1: login.credential.secret.w1,
                unblind: login.credential.unblind,
                peerShare: hello.share
            )
        )
    }

    private mutating func receiveRetry(_ frame: UnsafeRawBufferPointer) throws(HandshakeFault) -> Step {
        guard case .realm(let realm, let costText, _) = try Retry(frame: frame) else {
            // The client sent no ticket, so the server cannot have refused one.
            throw .unexpectedMessage
        }
        guard !hadRealmRetry else { throw .repeatedRetry }
        hadRealmRetry = true
        if let pinnedRealm, pinnedRealm != realm { throw .realmDiffers }
        guard let cost = ScryptCost(text: costText) else { throw .unacceptableCost }
        transcript.add(frame)
        state = .stretching
        return .learn(realm, cost)
    }
}

/// The result of a finished handshake.
package struct Agreement: Sendable {
    /// The identity of the client.
    package let identity: Identity
    /// The suite, which says how records are protected.
    package let suite: Suite
    /// The secrets from which the keys are derived.
    package let secrets: SessionSecrets
    /// The parameters that the other end announced.
    package let peerParameters: SessionParameters

    package init(
        identity: Identity,
        suite: Suite,
        secrets: SessionSecrets,
        peerParameters: SessionParameters
    ) {
        self.identity = identity
        self.suite = suite
        self.secrets = secrets
        self.peerParameters = peerParameters
    }
}
