package import CryptoPrimitives
package import Vocabulary

/// The server's side of a handshake, as a state machine without sockets and threads.
///
/// ```
/// awaiting hello ──login──► verifying ──products──► awaiting finish ──valid──► established
///      ▲   ├──a session's──► over: resume
///      └───┴ realm query, other realm, ticket: Retry
/// ```
/// Checks run in the order of their cost: first the form, then the point, then the arithmetic on another thread. A user who does
/// not exist goes through the same steps with a stand-in verifier and fails at the same point.
package struct ServerHandshake: ~Copyable {
    /// The caller's next action.
    package enum Step: Sendable {
        /// Pass more bytes when they arrive.
        case wait
        /// Send these bytes, then pass more bytes when they arrive.
        case send([UInt8])
        /// Run the job on another thread, then call ``answer(with:)``.
        ///
        /// Bytes that arrive before that are an error.
        case verify(VerifierJob)
        /// The client has proved itself; records follow.
        case established(Agreement)
        /// The client asks to resume a session, and the handshake is over.
        ///
        /// The holder of the session decides whether the request is proved.
        case resume(ResumptionRequest)
    }

    /// The random bytes that one handshake may need.
    package struct Randomness: Sendable {
        let random: [UInt8]
        let scalar: SecretBytes
        let retryNonce: [UInt8]

        /// Takes bytes of a good random source: 32, 66 and 16 of them, used once.
        package init(random: [UInt8], scalar: SecretBytes, retryNonce: [UInt8]) {
            precondition(random.count == ClientHello.randomCount && scalar.count == P521.scalarCount)
            precondition(retryNonce.count == Retry.nonceCount)
            self.random = random
            self.scalar = scalar
            self.retryNonce = retryNonce
        }
    }

    private enum State {
        case awaitingHello(previousRandom: [UInt8]?)
        case verifying(Login)
        case awaitingFinish(Login, ExchangeKeys, share: [UInt8])
        case over
    }

    private struct Login {
        let suite: Suite
        let verifier: Verifier
        let exists: Bool
        let share: [UInt8]
        let peerParameters: SessionParameters
    }

    private var state: State = .awaitingHello(previousRandom: nil)
    private var transcript = Transcript()
    private let table: VerifierTable
    private let suites: [Suite]
    private let parameters: SessionParameters
    private let randomness: Randomness
    private var hadRealmRetry = false
    private var hadTicketRetry = false

    /// Whether the client was sent this server's proof and has not yet given its own.
    ///
    /// From the server's proof alone, the client can tell whether its guess at the password was right. So a client that
    /// disconnects now counts as a failed login.
    package private(set) var owesProof = false

    /// The tag by which the client wants to be looked up, once it has sent it; set for existing and unknown users alike.
    package private(set) var claimedTag: ClientTag?

    /// The user that the client names, once it has, if there is such a user.
    ///
    /// It is not proved until the handshake is.
    package private(set) var claimedIdentity: Identity?

    /// Creates a handshake.
    ///
    /// - Parameters:
    ///   - table: the users who may log in.
    ///   - suites: the accepted suites, in this end's order of preference.
    ///   - parameters: the parameters that this end announces.
    ///   - randomness: fresh random bytes.
    package init(
        table: VerifierTable,
        suites: [Suite],
        parameters: SessionParameters,
        randomness: Randomness
    ) {
        self.table = table
        self.suites = suites
        self.parameters = parameters
        self.randomness = randomness
    }

    /// Handles bytes from the client.
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
            case .awaitingHello: [.clientHello]
            case .awaitingFinish: [.clientFinish]
            case .verifying: []
            case .over: []
            }
        guard let (kind, count) = try HandshakeFrame.measure(bytes, expecting: expected) else {
            return (0, .wait)
        }
        let frame = UnsafeRawBufferPointer(rebasing: bytes.prefix(count))
        if kind == .clientFinish { return (count, try receiveFinish(frame)) }
        // Before it is authenticated, a client has to wait for an answer before it sends more.
        guard count == bytes.count else { throw .unexpectedMessage }
        return (count, try receiveHello(frame))
    }

    /// Returns the server's hello, made from the result of the job.
    ///
    /// - Parameter products: the result of the job of ``Step/verify(_:)``.
    /// - Returns: the message to send.
    /// - Throws: the reason why this handshake has failed.
    package mutating func answer(with products: ExchangeProducts?) throws(HandshakeFault) -> [UInt8] {
        // This end's own code decides the order of the calls; nothing that a peer sends can change it.
        guard case .verifying(let login) = leaveState() else { preconditionFailure("no job was given out") }
        guard let products else { throw .authentication }
        let hello = ServerHello(
            random: randomness.random,
            suite: login.suite,
            share: products.share,
            parameters: parameters,
            realmHint: table.realmHint
        )
        var message = hello.encodedWithoutConfirmation()
        transcript.add(message)
        let context = transcript.context
        let keys = try orCryptoFault { () throws(CryptoFailure) in
            try ExchangeKeys(
                context: context,
                prover: login.verifier.identity.bytes,
                verifier: table.realm.bytes,
                shareP: login.share,
                shareV: products.share,
                products: products,
                w0: login.verifier.w0
            )
        }
        let confirmation = HMAC.code(key: keys.confirmVerifier, message: login.share)
        transcript.add(confirmation)
        message += confirmation
        state = .awaitingFinish(login, keys, share: products.share)
        owesProof = true
        return message
    }
}

// MARK: - Messages

extension ServerHandshake {
    /// Takes the state and leaves `over` behind: a step that sets no new state ends the handshake.
    private mutating func leaveState() -> State {
        let left = state
        state = .over
        return left
    }

    private mutating func receiveHello(_ frame: UnsafeRawBufferPointer) throws(HandshakeFault) -> Step {
        guard case .awaitingHello(let previousRandom) = leaveState() else {
            throw .unexpectedMessage
        }
        let hello = try ClientHello(frame: frame)
        if let previousRandom, previousRandom != hello.random { throw .malformed("random changed") }
        transcript.add(frame)
        switch hello.mode {
        case .resume:
            guard case .resume(let request) = hello.request else { throw .unexpectedMessage }
            return .resume(request)
        case .ticket:
            guard !hadTicketRetry else { throw .repeatedRetry }
            hadTicketRetry = true
            return retry(.ticketRefused(nonce: randomness.retryNonce), to: hello)
        case .password: break
        }
        guard let suite = suites.first(where: hello.suites.contains) else { throw .suite }
        guard case .login(let tag, let hint, let share) = hello.request, hint == table.realmHint else {
            // Any client gets this answer, before any arithmetic; it says nothing about users.
            guard !hadRealmRetry else { throw .repeatedRetry }
            hadRealmRetry = true
            return retry(
                .realm(table.realm, cost: table.cost.text, nonce: randomness.retryNonce),
                to: hello
            )
        }
        guard (try? P521.Point(encoded: share)) != nil else { throw .invalidPoint }
        let (verifier, exists) = table.find(tag)
        claimedIdentity = exists ? verifier.identity : nil
        claimedTag = tag
        state = .verifying(
            Login(
                suite: suite,
                verifier: verifier,
                exists: exists,
                share: share,
                peerParameters: hello.parameters
            )
        )
        return .verify(VerifierJob(verifier: verifier, peerShare: share, random: randomness.scalar))
    }

    private mutating func retry(_ retry: Retry, to hello: ClientHello) -> Step {
        let message = retry.encoded()
        transcript.add(message)
        state = .awaitingHello(previousRandom: hello.random)
        return .send(message)
    }

    private mutating func receiveFinish(_ frame: UnsafeRawBufferPointer) throws(HandshakeFault) -> Step {
        guard case .awaitingFinish(let login, let keys, let share) = leaveState() else {
            throw .unexpectedMessage
        }
        let expected = HMAC.code(key: keys.confirmProver, message: share)
        let proof = Array(frame.dropFirst(HandshakeFrame.headerCount))
        guard ConstantTime.areEqual(expected, proof), login.exists else { throw .authentication }
        owesProof = false
        let hellos = transcript.hash
        transcript.add(frame)
        let whole = transcript.hash
        let secrets = try orCryptoFault { () throws(CryptoFailure) in
            try SessionSecrets(shared: keys.shared, hellos: hellos, whole: whole)
        }
        return .established(
            Agreement(
                identity: login.verifier.identity,
                suite: login.suite,
                secrets: secrets,
                peerParameters: login.peerParameters
            )
        )
    }
}
