import Basics
import CryptoPrimitives
import ProtocolCore
import Vocabulary

/// Decides how a link that a stranger made is accepted: what it may ask for, how long it may take, what it is told, and whether
/// its failure counts as a guess at a password.
///
/// ```
/// idle ──► listening ──hello──► computing ──► listening ──finish──► settling ──► over
///             │  └──────────────session's hello──────────────────────┘
///             └─────────────── fault, time limit, end ──► over: refused
/// ```
/// Pure: events go in, actions come out.
struct LinkAcceptanceStateMachine: ~Copyable {
    /// What the shell does next, in this order.
    enum Action {
        /// Move the time limit to this moment.
        case setDeadline(Instant)
        /// Register the connection with its loop and read what comes.
        case listen
        /// Read again.
        case read
        /// Read nothing until ``read``: nothing may come while the exchange is computed.
        case pause
        /// Send this message.
        case send([UInt8])
        /// Run the job on another thread; its result is ``computed(_:)``. The client showed this tag.
        case compute(VerifierJob, tag: [UInt8])
        /// The client has proved that it is the user with this tag; what follows the handshake has already come. Then
        /// ``settled()``, or ``failed(_:)`` if there can be no session.
        case establish(Agreement, tag: [UInt8], received: [UInt8])
        /// The client asks for a session that it has. Then ``settled()``, or ``failed(_:)`` if there is no such session.
        case resume(ResumptionRequest)
        /// Close the link; the time limits and the gate no longer concern it.
        case refuse(Refusal)
    }

    /// Why a link is refused.
    struct Refusal: Hashable {
        /// The reason as one word of a log line.
        var reason: String
        /// The reason as a clause.
        var text: String
        /// What the link costs the place that it came from.
        var outcome: HandshakeGate.Outcome
    }

    private enum State {
        case idle
        /// Bytes may come.
        case listening
        /// Nothing may come.
        case computing
        /// The client was told, or asked for, all that a handshake is for.
        case settling
        case over
    }

    fileprivate struct Talk: ~Copyable {
        var handshake: ServerHandshake
        var received: [UInt8] = []
        /// When the whole handshake must be through, however many steps it takes.
        let endsAt: Instant
        /// Whether any byte has come.
        var hasBytes = false
        /// Whether the client was sent back to stretch its password.
        var isStretching = false
    }

    private var state = State.idle
    /// There from the gate's admission to the end.
    private var talk: Talk?
    /// What the link may ask for.
    private var admission = HandshakeGate.Admission.nothing("not yet admitted")
    /// Whether a whole hello has come.
    private var hasHello = false
    /// The tag that the hello shows.
    private var tag: [UInt8] = []

    /// A complete hello must be there so long after its first byte.
    ///
    /// Longer: a stranger holds a place by sending bytes slowly. Shorter: a hello whose packet is lost does not get in.
    static let helloTime = Duration.seconds(3)
    /// What may be read before the client has proved itself: two hellos and the finish, in bytes.
    ///
    /// Larger: a stranger may make this end hold more. Smaller: the hello of a later version does not fit.
    private static let maxReceived = 2 * (HandshakeFrame.headerCount + HandshakeFrame.maxBody) + 72

    init() {}

    /// Whether the link has become a session, was handed over or was refused.
    var isOver: Bool { state == .over }

    /// The user that the client names, if there is such a user; not proved.
    private(set) var claimedUser: String?

    /// The gate has decided.
    ///
    /// - Parameters:
    ///   - admission: what the link may ask for.
    ///   - handshake: the server's side of it; `nil` when there are no random bytes.
    ///   - now: the time.
    ///   - timeout: how long the whole handshake may take.
    /// - Returns: what the shell does next.
    mutating func admitted(
        _ admission: HandshakeGate.Admission,
        _ handshake: consuming ServerHandshake?,
        at now: Instant,
        timeout: Duration
    ) -> [Action] {
        guard state == .idle else { return [] }
        // Nothing is sent: a client that is refused learns as little as one that knocks at a closed port.
        if case .nothing(let reason) = admission { return refuse("busy", reason) }
        guard let handshake else { return refuse("internal", "no random bytes") }
        // The proof of a session is the first thing that a client says.
        let limit = if case .sessionsOnly = admission { min(timeout, Self.helloTime) } else { timeout }
        let endsAt = now.advanced(by: limit)
        talk = Talk(handshake: handshake, endsAt: endsAt)
        self.admission = admission
        state = .listening
        return [.setDeadline(endsAt), .listen]
    }

    /// Bytes came from the client.
    mutating func received(_ bytes: UnsafeRawBufferPointer, at now: Instant) -> [Action] {
        guard state == .listening, let endsAt = talk?.endsAt else { return [] }
        var actions: [Action] = []
        if talk?.received.isEmpty ?? true, !hasHello {
            actions.append(.setDeadline(min(endsAt, now.advanced(by: Self.helloTime))))
        }
        talk?.hasBytes = true
        talk?.received += bytes
        guard talk?.received.count ?? 0 <= Self.maxReceived else {
            return actions + refuse("garbage", "too many bytes before the handshake was through", .garbage)
        }
        return actions + step()
    }

    /// The exchange was computed.
    mutating func computed(_ products: ExchangeProducts?) -> [Action] {
        guard state == .computing else { return [] }
        state = .listening
        do throws(HandshakeFault) {
            guard let message = try talk?.handshake.answer(with: products) else { return [] }
            return [.send(message), .read]
        } catch {
            return failed(error)
        }
    }

    /// Too many handshakes wait for a thread.
    mutating func isOverloaded() -> [Action] {
        if isOver { return [] }
        let reply = Reject(code: .busy, retryAfterSeconds: 1).encoded()
        return [.send(reply)] + refuse("busy", "too many handshakes wait for the processor")
    }

    /// The client closed the link, or it broke, or it does not read.
    mutating func closed() -> [Action] {
        refuse("closed", "closed during the handshake", talk?.hasBytes ?? false ? .nothing : .silence)
    }

    /// The time limit passed.
    mutating func timedOut() -> [Action] {
        if isOver { return [] }
        // A client that has not even said that it speaks our protocol is told nothing.
        let reply: [Action] = hasHello ? [.send(Reject(code: .timeout).encoded())] : []
        // A client that was sent back to stretch a password may have a slow machine.
        let outcome: HandshakeGate.Outcome = talk?.isStretching ?? false ? .nothing : .timeout
        let hasBytes = talk?.hasBytes ?? false
        return reply
            + refuse("timeout", hasBytes ? "the handshake took too long" : "no data received", outcome)
    }

    /// The link has become a session or was handed over.
    mutating func settled() {
        // The order of calls is our own; nothing that a peer sends decides it.
        precondition(state == .settling, "nothing was established")
        state = .over
        talk = nil
    }

    /// The handshake is over for a fault, the client's or this end's.
    mutating func failed(_ fault: HandshakeFault) -> [Action] {
        if isOver { return [] }
        let reply: [Action] = fault.reject.map { [.send(Reject(code: $0).encoded())] } ?? []
        let refusal: [Action] =
            switch fault {
            case .notOurProtocol: refuse("garbage", "it does not speak this protocol", .garbage)
            case .malformed(let what): refuse("garbage", "a message that cannot be read: \(what)", .garbage)
            case .unexpectedMessage, .invalidPoint, .repeatedRetry:
                refuse("garbage", "a message that has no place here", .garbage)
            case .authentication: refuse("password", "wrong password", .wrongGuess)
            case .version: refuse("version", "no common version of the protocol")
            case .suite: refuse("suite", "no common suite")
            case .noSession: refuse("no-session", "it asks for a session that is not here")
            case .crypto(let failure): refuse("internal", "\(failure.operation): \(failure.reason)")
            case .rejected, .realmDiffers, .unacceptableCost, .credentialNotForThisRealm:
                refuse("internal", "\(fault)")
            }
        return reply + refusal
    }

    /// This end cannot go on.
    mutating func failed(_ text: String) -> [Action] {
        refuse("internal", text)
    }
}

// MARK: - Inside

extension LinkAcceptanceStateMachine {
    /// Takes the messages that are whole.
    private mutating func step() -> [Action] {
        guard state == .listening, talk?.received.isEmpty == false, let endsAt = talk?.endsAt else {
            return []
        }
        do throws(HandshakeFault) {
            let step = try talk?.step() ?? .wait
            noteUser()
            switch step {
            case .wait: return []
            case .send(let message):
                guard servesLogins else { return refuseLogin() }
                hasHello = true
                talk?.isStretching = true
                return [.setDeadline(endsAt), .send(message)] + self.step()
            case .verify(let job):
                guard servesLogins else { return refuseLogin() }
                hasHello = true
                talk?.isStretching = false
                state = .computing
                return [.pause, .setDeadline(endsAt), .compute(job, tag: tag)]
            case .established(let agreement):
                state = .settling
                return [.establish(agreement, tag: tag, received: talk?.received ?? [])]
            case .resume(let request):
                state = .settling
                return [.resume(request)]
            }
        } catch {
            noteUser()
            return failed(error)
        }
    }

    private mutating func noteUser() {
        tag = talk?.handshake.claimedTag?.bytes ?? []
        if let identity = talk?.handshake.claimedIdentity { claimedUser = identity.text }
    }

    /// Whether a hello that asks for a login is answered.
    private var servesLogins: Bool {
        if case .sessionsOnly = admission { false } else { true }
    }

    /// Tells the client when to come again.
    private mutating func refuseLogin() -> [Action] {
        guard case .sessionsOnly(let seconds) = admission else { return [] }
        return [.send(Reject(code: .busy, retryAfterSeconds: seconds).encoded())]
            + refuse("busy", "too many failures from there")
    }

    private mutating func refuse(
        _ reason: String,
        _ text: String,
        _ outcome: HandshakeGate.Outcome = .nothing
    ) -> [Action] {
        if isOver { return [] }
        let owesProof = talk?.handshake.owesProof ?? false
        state = .over
        talk = nil
        // A client that has seen our proof knows whether its guess was right, however it goes away.
        guard owesProof, outcome != .wrongGuess else {
            return [.refuse(Refusal(reason: reason, text: text, outcome: outcome))]
        }
        let guess = "wrong password, or client disconnected before proving it"
        return [.refuse(Refusal(reason: "password", text: guess, outcome: .wrongGuess))]
    }
}

extension LinkAcceptanceStateMachine.Talk {
    /// Takes one message of what has come.
    fileprivate mutating func step() throws(HandshakeFault) -> ServerHandshake.Step {
        let (consumed, step) = try received.withUnsafeBytes { bytes in
            Result { () throws(HandshakeFault) in try handshake.receive(bytes) }
        }.get()
        received.removeFirst(consumed)
        return step
    }
}
