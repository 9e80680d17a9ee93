package import CryptoPrimitives
package import Vocabulary

/// The server's side of a handshake: what may come when, and what follows from it; nothing of sockets or threads.
///
/// ```
/// awaiting hello ──login──► verifying ──products──► awaiting finish ──right──► established
///      ▲   ├──a session's──► over: reattach
///      └───┴ realm query, other realm, ticket: Retry
/// ```
/// Checks come in the order of what they cost: form first, then the point, then the arithmetic on another thread.
/// A user who does not exist is taken through the same steps with a stand-in and fails at the same place.
package struct ServerHandshake: ~Copyable {
    /// What the caller is to do next.
    package enum Step: Sendable {
        /// Feed more bytes when they come.
        case wait
        /// Send this, then feed more bytes.
        case send([UInt8])
        /// Run the job on another thread, then call ``answer(with:)``. Until then nothing may come.
        case verify(VerifierJob)
        /// The client has proved itself; what follows are records.
        case established(Agreement)
        /// The client asks to go on with a session; the handshake is over, and whether the request is proved is for
        /// who has the session to say.
        case resume(ResumptionRequest)
    }

    /// The random bytes that one handshake may need.
    package struct Randomness: Sendable {
        let random: [UInt8]
        let scalar: SecretBytes
        let retryNonce: [UInt8]

        /// Bytes of a good source: 32, 66 and 16 of them, used once.
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

    /// Whether the client was sent this server's proof and has not yet given its own: from the proof alone it can
    /// tell whether its guess at the password was right, so going away now counts as a failed login.
    package private(set) var owesProof = false

    /// What the client wants to be looked up by, once it has said so: the same for users who exist and who do not.
    package private(set) var claimedTag: ClientTag?

    /// The user that the client names, once it has, if there is such a user.
    ///
    /// Not proved before the handshake is.
    package private(set) var claimedIdentity: Identity?

    /// The start of a handshake.
    ///
    /// - Parameters:
    ///   - table: who may log in.
    ///   - suites: what is accepted, in the order in which this end prefers them.
    ///   - parameters: what this end is ready to receive.
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

    /// Looks at what the client sent.
    ///
    /// - Parameter bytes: everything that was received and not consumed yet.
    /// - Returns: how many bytes were consumed, and what to do next.
    /// - Throws: the reason why this handshake is over.
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
        // A client that is not through has to wait for an answer before it says more.
        guard count == bytes.count else { throw .unexpectedMessage }
        return (count, try receiveHello(frame))
    }

    /// The server's hello, made of what the job gave.
    ///
    /// - Parameter products: what the job of ``Step/verify(_:)`` gave.
    /// - Returns: the message to send.
    /// - Throws: the reason why this handshake is over.
    package mutating func answer(with products: ExchangeProducts?) throws(HandshakeFault) -> [UInt8] {
        // The order of calls is our own; nothing that a peer sends decides it.
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
    /// Takes the state out: whoever does not put one back has ended the handshake.
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
            // Whoever asks, and before any arithmetic: an answer that says nothing about users.
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
