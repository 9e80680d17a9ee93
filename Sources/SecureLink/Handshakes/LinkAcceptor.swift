import Basics
import CryptoPrimitives
package import EventIO
import ProtocolCore
import Vocabulary

/// Accepts one link of an unauthenticated client: the shell of ``LinkAcceptanceStateMachine``.
///
/// A link costs at most a few kilobytes, some seconds, and the computation of one guess on another thread. The acceptor is
/// confined to its loop's thread. If it is freed before it has called back, it closes the link.
package final class LinkAcceptor {
    private let environment: LinkEnvironment
    private let gate: HandshakeGate
    private let registry: SessionRegistry
    private let options: LinkOptions
    private let table: PasswordTable
    private let remote: SocketAddress
    private let connection: DetachedSocket
    private lazy var socket = HandshakeSocket(
        StreamSocket(connection, loop: environment.loop),
        loop: environment.loop,
        owner: self
    )
    private var machine = LinkAcceptanceStateMachine()
    private var completion: ((LinkAcceptor, AcceptanceResult) -> Void)?
    /// The gate's admission of the link, while the gate counts the link.
    private var admission: HandshakeGate.Admission?
    /// The timer of a guess that is delayed.
    private var delay: LoopTimer?

    /// The delay of a guess at a user's password after many recent guesses.
    ///
    /// Longer: a user whose password is being guessed waits as long to log in. Shorter: the guesser gets more guesses.
    private static let guessDelay = Duration.seconds(1)

    /// Takes over a connection that was accepted.
    ///
    /// - Parameters:
    ///   - connection: the accepted socket.
    ///   - table: the users that may log in.
    ///   - options: the options of links and sessions.
    ///   - gate: the process's limits on unauthenticated clients.
    ///   - registry: the process's sessions that clients may resume.
    ///   - environment: the loop that the session will run on.
    ///   - completion: called once, never from within this initializer.
    package init(
        _ connection: DetachedSocket,
        table: PasswordTable,
        options: LinkOptions,
        gate: HandshakeGate,
        registry: SessionRegistry,
        in environment: LinkEnvironment,
        _ completion: @escaping (LinkAcceptor, AcceptanceResult) -> Void
    ) {
        self.environment = environment
        self.gate = gate
        self.registry = registry
        self.options = options
        self.table = table
        self.completion = completion
        remote = connection.remote
        self.connection = connection
    }

    deinit {
        // Freed while the handshake was under way: the process is shutting down.
        leaveGate(.nothing)
    }

    /// Starts the handshake.
    package func start() {
        let now = environment.loop.now
        let admission = gate.begin(remote.prefix, at: now)
        if admission.isCounted { self.admission = admission }
        run(machine.admitted(admission, makeHandshake(), at: now, timeout: options.handshakeTimeout))
    }

    private func makeHandshake() -> ServerHandshake? {
        guard let random = try? SystemRandom.bytes(count: 32),
            let scalar = try? SystemRandom.secretBytes(count: P521.scalarCount),
            let nonce = try? SystemRandom.bytes(count: 16)
        else { return nil }
        return ServerHandshake(
            table: table.verifiers,
            suites: options.suites,
            parameters: options.parameters,
            randomness: ServerHandshake.Randomness(random: random, scalar: scalar, retryNonce: nonce)
        )
    }

    private func run(_ actions: [LinkAcceptanceStateMachine.Action]) {
        for action in actions { run(action) }
    }

    private func run(_ action: LinkAcceptanceStateMachine.Action) {
        switch action {
        case .setDeadline(let moment): socket.setDeadline(moment)
        case .listen:
            do throws(SystemFailure) { try socket.listen() } catch { run(machine.failed(error.description)) }
        case .read: socket.resume()
        case .pause: socket.pause()
        case .send(let message):
            if !socket.send(message) { run(machine.closed()) }
        case .compute(let job, let tag): compute(job, tag)
        case .establish(let agreement, let tag, let received): establish(agreement, tag, received)
        case .resume(let request): resume(request)
        case .refuse(let refusal): refuse(refusal)
        }
    }
}

extension LinkAcceptor: HandshakeSocketOwner {
    func handshakeSocket(_ socket: HandshakeSocket, _ event: HandshakeSocket.Event) {
        switch event {
        case .received(let bytes): run(machine.received(bytes, at: environment.loop.now))
        case .closed: run(machine.closed())
        case .timedOut: run(machine.timedOut())
        }
    }
}

// MARK: - The machine's steps

extension LinkAcceptor {
    private func compute(_ job: VerifierJob, _ tag: [UInt8]) {
        // Guesses are counted by tag, which a client sends whether there is such a user or not: the delay must not reveal that.
        guard gate.mayGuess(tag, at: environment.loop.now) else {
            let timer = LoopTimer(environment.loop) { [unowned self] in compute(job) }
            timer.schedule(after: Self.guessDelay)
            delay = timer
            return
        }
        compute(job)
    }

    private func compute(_ job: VerifierJob) {
        let work: @Sendable () -> Result<ExchangeProducts?, CryptoFailure> = {
            do throws(CryptoFailure) { return .success(try job.run()) } catch { return .failure(error) }
        }
        let isAccepted = environment.jobs.run(work) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let products): run(machine.computed(products))
            case .failure(let failure): run(machine.failed(.crypto(failure)))
            }
        }
        if !isAccepted { run(machine.isOverloaded()) }
    }

    private func establish(_ agreement: Agreement, _ tag: [UInt8], _ received: [UInt8]) {
        guard let socket = socket.release() else { return }
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
            gate.wasNoGuess(tag)
            machine.settled()
            finish(.success, .session(session))
            session.start(received: received)
        } catch {
            socket.close()
            run(machine.failed(error))
        }
    }

    private func resume(_ request: ResumptionRequest) {
        guard let home = registry.admit(request) else {
            run(machine.failed(.noSession))
            return
        }
        guard let connection = socket.release()?.detach(remote) else { return }
        machine.settled()
        finish(.success, .handedOver)
        home(SessionCall(session: request.session, matter: .resume(connection, request)))
    }

    private func refuse(_ refusal: LinkAcceptanceStateMachine.Refusal) {
        socket.close()
        finish(
            refusal.outcome,
            .refused(
                RefusedLink(
                    remote: remote,
                    reason: refusal.reason,
                    text: refusal.text,
                    user: machine.claimedUser,
                    isWrongGuess: refusal.outcome == .wrongGuess
                )
            )
        )
    }

    private func finish(_ outcome: HandshakeGate.Outcome, _ result: AcceptanceResult) {
        delay?.cancel()
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
}
