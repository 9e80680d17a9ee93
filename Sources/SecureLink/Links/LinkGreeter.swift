import Basics
import CryptoPrimitives
package import EventIO
import ProtocolCore

/// Shakes hands on a link that was accepted: a stranger's, until it has proved that it knows a password.
///
/// What it may cost: a few kilobytes, some seconds, and the arithmetic of one guess, done elsewhere. Confined to its
/// loop's thread; freed before it has called back, it closes the link.
package final class LinkGreeter {
    private let environment: LinkEnvironment
    private let gate: HandshakeGate
    private let registry: SessionRegistry
    private let options: LinkOptions
    private let remote: SocketAddress
    private var completion: ((LinkGreeter, GreetingResult) -> Void)?
    private var socket: StreamSocket?
    private var handshake: ServerHandshake?
    private var received: [UInt8] = []
    private var deadline: LoopTimer?
    /// When the whole handshake has to be through, however many steps it takes.
    private var endsAt = Instant.distantFuture
    private var postponed: LoopTimer?
    private var isComputing = false
    /// What the gate lets this link ask for, while it counts it.
    private var admission: HandshakeGate.Admission?
    private var hasHello = false
    /// Whether the client was sent back for another share, and has not come again.
    private var isStretching = false

    /// A complete hello has to be there so long after its first byte.
    private static let helloTime = Duration.seconds(3)
    /// What may be read before the client has proved itself: two hellos and the finish.
    private static let mostReceived = 2 * (HandshakeFrame.headerCount + 2048) + 72
    /// How long a guess at a user's password waits that many have tried lately.
    private static let guessDelay = Duration.seconds(1)

    /// Greets a link.
    ///
    /// - Parameters:
    ///   - connection: the accepted socket.
    ///   - table: who may log in.
    ///   - options: how links behave.
    ///   - gate: the process's limits on strangers.
    ///   - registry: the process's sessions that clients may come back to.
    ///   - environment: the loop that the session will live on.
    ///   - completion: called once, never from here.
    package init(
        _ connection: DetachedSocket,
        table: PasswordTable,
        options: LinkOptions,
        gate: HandshakeGate,
        registry: SessionRegistry,
        in environment: LinkEnvironment,
        _ completion: @escaping (LinkGreeter, GreetingResult) -> Void
    ) {
        self.environment = environment
        self.gate = gate
        self.registry = registry
        self.options = options
        remote = connection.remote
        self.completion = completion
        socket = StreamSocket(connection, loop: environment.loop)
        deadline = LoopTimer(environment.loop) { [unowned self] in timedOut() }
        table.prepare(self)
    }

    deinit {
        socket?.close()
        // Dropped while it was under way: the process is stopping.
        leaveGate(.nothing)
    }

    fileprivate func use(_ table: VerifierTable) {
        do throws(CryptoFailure) {
            handshake = ServerHandshake(
                table: table,
                suites: options.suites,
                parameters: options.parameters,
                randomness: ServerHandshake.Randomness(
                    random: try SystemRandom.bytes(count: 32),
                    scalar: try SystemRandom.secretBytes(count: P521.scalarCount),
                    retryNonce: try SystemRandom.bytes(count: 16)
                )
            )
        } catch {
            handshake = nil
        }
    }

    /// Begins.
    package func start() {
        let now = environment.loop.now
        let admission = gate.begin(remote.prefix, at: now)
        endsAt = now.advanced(by: options.handshakeTimeout)
        switch admission {
        case .anything: break
        // The proof of a session is the first thing that a client says.
        case .sessionsOnly: endsAt = min(endsAt, now.advanced(by: Self.helloTime))
        case .nothing(let reason):
            // Nothing is sent: who is refused learns as little as who knocks at a closed port.
            finish("busy", reason)
            return
        }
        self.admission = admission
        guard let socket, handshake != nil else {
            finish("internal", "no random bytes")
            return
        }
        deadline?.schedule(at: endsAt)
        do {
            try socket.start(self)
            socketReadable(socket)
        } catch {
            finish("internal", error.description)
        }
    }

    private func timedOut() {
        // Who has not even said that it speaks our protocol is told nothing.
        if hasHello { send(Reject(code: .timeout).encoded()) }
        finish(
            "timeout",
            received.isEmpty && !hasHello ? "nothing was said" : "the handshake took too long",
            // Whoever was asked to stretch a password may have a slow machine.
            isStretching ? .nothing : .timeout
        )
    }
}

extension PasswordTable {
    fileprivate func prepare(_ greeter: LinkGreeter) {
        greeter.use(verifiers)
    }
}

// MARK: - Reading

extension LinkGreeter: StreamSocketHandler {
    package func socketReadable(_ socket: StreamSocket) {
        // While the arithmetic is done elsewhere nothing may come, and nothing is read.
        while completion != nil, !isComputing {
            let wasEmpty = received.isEmpty
            switch readSome(socket) {
            case .bytes:
                if wasEmpty, !hasHello {
                    deadline?.schedule(at: min(endsAt, environment.loop.now.advanced(by: Self.helloTime)))
                }
                guard received.count <= Self.mostReceived else {
                    finish("garbage", "too many bytes before the handshake was through", .garbage)
                    return
                }
                proceed()
            case .nothing: return
            case .end, .failed:
                finish(
                    "closed",
                    "closed during the handshake",
                    received.isEmpty && !hasHello ? .silence : .nothing
                )
                return
            }
        }
    }

    package func socketWritable(_ socket: StreamSocket) {}

    package func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) {
        finish("closed", "closed during the handshake", .nothing)
    }

    private func readSome(_ socket: StreamSocket) -> StreamSocket.ReadResult {
        let room = min(4096, Self.mostReceived + 1 - received.count)
        let start = received.count
        received += [UInt8](repeating: 0, count: room)
        let result = received.withUnsafeMutableBytes { bytes in
            socket.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[start...]))
        }
        if case .bytes(let count) = result {
            received.removeLast(room - count)
        } else {
            received.removeLast(room)
        }
        return result
    }

    private func proceed() {
        while completion != nil, !isComputing, !received.isEmpty {
            do {
                let (consumed, step) = try received.withUnsafeBytes { bytes in
                    try handshake?.receive(bytes) ?? (0, .wait)
                }
                received.removeFirst(consumed)
                switch step {
                case .wait: return
                case .send(let message):
                    guard servesLogins() else { return }
                    hasHello = true
                    isStretching = true
                    deadline?.schedule(at: endsAt)
                    send(message)
                case .verify(let job):
                    guard servesLogins() else { return }
                    hasHello = true
                    isStretching = false
                    verify(job)
                case .established(let agreement):
                    establish(agreement)
                    return
                case .reattach(let request):
                    reattach(request)
                    return
                }
            } catch let fault as HandshakeFault {
                fail(fault)
                return
            } catch {
                finish("internal", "\(error)")
                return
            }
        }
    }
}

// MARK: - Logging in

extension LinkGreeter {
    /// Whether a hello that does not ask for a session is answered; if not, it is told when to come again.
    private func servesLogins() -> Bool {
        guard case .sessionsOnly(let seconds) = admission else { return true }
        send(Reject(code: .busy, retryAfterSeconds: seconds).encoded())
        finish("busy", "too many failures from there")
        return false
    }

    private func verify(_ job: VerifierJob) {
        isComputing = true
        deadline?.schedule(at: endsAt)
        // By its tag, which a client sends whether there is such a user or not: the wait must not tell which.
        guard gate.mayGuess(handshake?.claimedTag?.bytes ?? [], at: environment.loop.now) else {
            let timer = LoopTimer(environment.loop) { [unowned self] in compute(job) }
            timer.schedule(after: Self.guessDelay)
            postponed = timer
            return
        }
        compute(job)
    }

    private func compute(_ job: VerifierJob) {
        let work: @Sendable () -> Result<ExchangeProducts?, CryptoFailure> = {
            do throws(CryptoFailure) { return .success(try job.run()) } catch { return .failure(error) }
        }
        let isAccepted = environment.jobs.run(work) { [weak self] result in
            guard let self, completion != nil else { return }
            isComputing = false
            switch result {
            case .success(let products): answer(products)
            case .failure(let failure): fail(.crypto(failure))
            }
        }
        if !isAccepted {
            send(Reject(code: .busy, retryAfterSeconds: 1).encoded())
            finish("busy", "too many handshakes wait for the processor")
        }
    }

    private func answer(_ products: ExchangeProducts?) {
        do throws(HandshakeFault) {
            guard let message = try handshake?.answer(with: products) else { return }
            send(message)
            if let socket { socketReadable(socket) }
        } catch {
            fail(error)
        }
    }
}

// MARK: - The end

extension LinkGreeter {
    private func establish(_ agreement: Agreement) {
        guard let socket else { return }
        do throws(HandshakeFault) {
            let session = try PeerSession(
                role: .server,
                agreement: agreement,
                options: options,
                socket: socket,
                remote: remote,
                preamble: [],
                environment: environment
            )
            let received = received
            if let tag = handshake?.claimedTag { gate.wasNoGuess(tag.bytes) }
            self.socket = nil
            end(.success, .session(session))
            session.start(received: received)
        } catch {
            fail(error)
        }
    }

    private func reattach(_ request: ReattachRequest) {
        guard let home = registry.admit(request), let socket else {
            fail(.noSession)
            return
        }
        let connection = socket.detach(remote)
        self.socket = nil
        end(.success, .handedOver)
        home(
            SessionCall(
                session: request.session,
                matter: .reattach(connection, request)
            )
        )
    }

    private func fail(_ fault: HandshakeFault) {
        if let code = fault.reject { send(Reject(code: code).encoded()) }
        switch fault {
        case .notOurProtocol: finish("garbage", "it does not speak this protocol", .garbage)
        case .malformed(let what): finish("garbage", "a message that cannot be read: \(what)", .garbage)
        case .unexpectedMessage, .invalidPoint, .repeatedRetry:
            finish("garbage", "a message that has no place here", .garbage)
        case .authentication: finish("password", "wrong password", .wrongGuess)
        case .version: finish("version", "no common version of the protocol")
        case .suite: finish("suite", "no common suite")
        case .noSession: finish("no-session", "a session to attach to that is not here")
        case .crypto(let failure): finish("internal", "\(failure.operation): \(failure.reason)")
        case .rejected, .realmDiffers, .unacceptableCost, .credentialNotForThisRealm:
            finish("internal", "\(fault)")
        }
    }

    private func finish(_ reason: String, _ text: String, _ outcome: HandshakeGate.Outcome = .nothing) {
        guard completion != nil else { return }
        // Who has seen our proof knows whether its guess was right, however it goes away.
        let owesProof = handshake?.owesProof ?? false
        let isGuess = owesProof || outcome == .wrongGuess
        let failure = GreetingFailure(
            remote: remote,
            reason: isGuess ? "password" : reason,
            text: isGuess && outcome != .wrongGuess ? "wrong password, or it gave up" : text,
            user: handshake?.claimedIdentity?.text,
            isWrongGuess: isGuess
        )
        socket?.close()
        socket = nil
        end(isGuess ? .wrongGuess : outcome, .refused(failure))
    }

    private func end(_ outcome: HandshakeGate.Outcome, _ result: GreetingResult) {
        deadline?.cancel()
        postponed?.cancel()
        handshake = nil
        leaveGate(outcome)
        let completion = completion
        self.completion = nil
        completion?(self, result)
    }

    private func leaveGate(_ outcome: HandshakeGate.Outcome) {
        guard let admission else { return }
        self.admission = nil
        gate.end(remote.prefix, admission, outcome, at: environment.loop.now)
    }

    private func send(_ message: [UInt8]) {
        guard let socket else { return }
        let result = message.withUnsafeBytes { socket.write($0) }
        // A new connection takes some hundred bytes; if it does not, nobody reads them.
        guard case .took(message.count) = result else {
            finish("closed", "closed during the handshake")
            return
        }
    }
}
