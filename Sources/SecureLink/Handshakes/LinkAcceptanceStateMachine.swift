import Basics
import CryptoPrimitives
import ProtocolCore
import Vocabulary

/// Decides how a link of an unauthenticated client is accepted.
///
/// It decides what the client may ask for, how long the handshake may take, which messages are sent, and whether a failure counts
/// as a guess at a password.
///
/// ```
/// idle ──► listening ──hello──► computing ──► listening ──finish──► settling ──► over
///             │  └──────────────session's hello──────────────────────┘
///             └─────────────── fault, time limit, end ──► over: refused
/// ```
/// Pure: events go in, actions come out.
struct LinkAcceptanceStateMachine: ~Copyable {
    /// A step that the shell takes next, in the order of the array.
    enum Action {
        /// Move the deadline to this moment.
        case setDeadline(Instant)
        /// Register the connection with its loop and read the bytes that have arrived.
        case listen
        /// Read again.
        case read
        /// Read nothing until ``read``: the client may send nothing while the exchange is computed.
        case pause
        /// Send this message.
        case send([UInt8])
        /// Run the job on another thread and pass its result to ``computed(_:)``. `tag` is the tag in the client's hello.
        case compute(VerifierJob, tag: [UInt8])
        /// Create the session: the client has proved to be the user with this tag.
        ///
        /// `received` holds the bytes that arrived after the handshake. Then call ``settled()``, or ``failed(_:)`` if there can
        /// be no session.
        case establish(Agreement, tag: [UInt8], received: [UInt8])
        /// Resume the session that the client asks for. Then call ``settled()``, or ``failed(_:)`` if there is no such session.
        case resume(ResumptionRequest)
        /// Close the link and report the outcome to the gate.
        case refuse(Refusal)
    }

    /// The reason why a link is refused.
    struct Refusal: Hashable {
        /// The reason as one word of a log line.
        var reason: String
        /// The reason as a clause.
        var text: String
        /// The outcome that the gate counts for the address of the client.
        var outcome: HandshakeGate.Outcome
    }

    private enum State {
        case idle
        /// The client may send bytes.
        case listening
        /// The exchange is being computed; the client may send nothing.
        case computing
        /// The handshake is complete; the shell creates or looks up the session.
        case settling
        case over
    }

    fileprivate struct Talk: ~Copyable {
        var handshake: ServerHandshake
        var received: [UInt8] = []
        /// The deadline of the whole handshake, no matter how many steps it takes.
        let endsAt: Instant
        /// Whether the client has sent any byte.
        var hasBytes = false
        /// Whether the client has received the realm and is stretching its password.
        var isStretching = false
    }

    private var state = State.idle
    /// The handshake, from the gate's admission to the end.
    private var talk: Talk?
    /// The requests that the link may make.
    private var admission = HandshakeGate.Admission.nothing("not yet admitted")
    /// Whether a whole hello has arrived.
    private var hasHello = false
    /// The client's tag in its hello.
    private var tag: [UInt8] = []

    /// The time limit of a hello, from its first byte.
    ///
    /// Longer: an unauthenticated client can hold a place by sending bytes slowly. Shorter: a client whose hello loses a packet
    /// is refused.
    static let helloTime = Duration.seconds(3)
    /// The maximum number of bytes that are read before the client has proved itself: two hellos and the finish.
    ///
    /// Larger: an unauthenticated client can make this end hold more bytes. Smaller: the hello of a later version does not fit.
    private static let maxReceived = 2 * (HandshakeFrame.headerCount + HandshakeFrame.maxBody) + 72

    init() {}

    /// Whether the link has become a session, was handed over or was refused.
    var isOver: Bool { state == .over }

    /// The user that the client names, if there is such a user; the client has not proved to be this user.
    private(set) var claimedUser: String?

    /// The gate has decided about the link.
    ///
    /// - Parameters:
    ///   - admission: the requests that the link may make.
    ///   - handshake: the server's side of the handshake; `nil` if the system gave no random bytes.
    ///   - now: the time.
    ///   - timeout: the time limit of the whole handshake.
    /// - Returns: the steps that the shell takes next.
    mutating func admitted(
        _ admission: HandshakeGate.Admission,
        _ handshake: consuming ServerHandshake?,
        at now: Instant,
        timeout: Duration
    ) -> [Action] {
        guard state == .idle else { return [] }
        // The server sends nothing: a refused client learns as little as from a closed port.
        if case .nothing(let reason) = admission { return refuse("busy", reason) }
        guard let handshake else { return refuse("internal", "no random bytes") }
        // A client that resumes a session proves it in its first message, so this takes little time.
        let limit = if case .sessionsOnly = admission { min(timeout, Self.helloTime) } else { timeout }
        let endsAt = now.advanced(by: limit)
        talk = Talk(handshake: handshake, endsAt: endsAt)
        self.admission = admission
        state = .listening
        return [.setDeadline(endsAt), .listen]
    }

    /// Bytes have arrived from the client.
    mutating func received(_ bytes: UnsafeRawBufferPointer, at now: Instant) -> [Action] {
        guard state == .listening, let endsAt = talk?.endsAt else { return [] }
        var actions: [Action] = []
        if talk?.received.isEmpty ?? true, !hasHello {
            actions.append(.setDeadline(min(endsAt, now.advanced(by: Self.helloTime))))
        }
        talk?.hasBytes = true
        talk?.received += bytes
        guard talk?.received.count ?? 0 <= Self.maxReceived else {
            return actions + refuse("garbage", "too many bytes in the handshake", .garbage)
        }
        return actions + step()
    }

    /// The exchange has been computed.
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

    /// The client closed the link, the link broke, or the client does not read.
    mutating func closed() -> [Action] {
        refuse("closed", "closed during the handshake", talk?.hasBytes ?? false ? .nothing : .silence)
    }

    /// The deadline has passed.
    mutating func timedOut() -> [Action] {
        if isOver { return [] }
        // The server sends nothing to a client that has not sent a hello of this protocol.
        let reply: [Action] = hasHello ? [.send(Reject(code: .timeout).encoded())] : []
        // A client that is stretching its password may run on a slow machine.
        let outcome: HandshakeGate.Outcome = talk?.isStretching ?? false ? .nothing : .timeout
        let hasBytes = talk?.hasBytes ?? false
        return reply
            + refuse("timeout", hasBytes ? "the handshake took too long" : "no data received", outcome)
    }

    /// The link has become a session or was handed over.
    mutating func settled() {
        // The order of calls depends on this end alone, never on what a peer sends.
        precondition(state == .settling, "nothing was established")
        state = .over
        talk = nil
    }

    /// The handshake has failed because of a fault of the client or of this end.
    mutating func failed(_ fault: HandshakeFault) -> [Action] {
        if isOver { return [] }
        let reply: [Action] = fault.reject.map { [.send(Reject(code: $0).encoded())] } ?? []
        let refusal: [Action] =
            switch fault {
            case .notOurProtocol: refuse("garbage", "not this protocol", .garbage)
            case .malformed(let what): refuse("garbage", "malformed message: \(what)", .garbage)
            case .unexpectedMessage, .invalidPoint, .repeatedRetry:
                refuse("garbage", "unexpected message", .garbage)
            case .authentication: refuse("password", "wrong password", .wrongGuess)
            case .version: refuse("version", "no common version of the protocol")
            case .suite: refuse("suite", "no common suite")
            case .noSession: refuse("no-session", "unknown session")
            case .crypto(let failure): refuse("internal", "\(failure.operation): \(failure.reason)")
            case .rejected, .realmDiffers, .unacceptableCost, .credentialNotForThisRealm:
                refuse("internal", "\(fault)")
            }
        return reply + refusal
    }

    /// This end cannot continue the handshake.
    mutating func failed(_ text: String) -> [Action] {
        refuse("internal", text)
    }
}

// MARK: - Inside

extension LinkAcceptanceStateMachine {
    /// Handles the complete messages that have arrived.
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

    /// Whether the server answers a hello that asks for a login.
    private var servesLogins: Bool {
        if case .sessionsOnly = admission { false } else { true }
    }

    /// Refuses the login and tells the client when to try again.
    private mutating func refuseLogin() -> [Action] {
        guard case .sessionsOnly(let seconds) = admission else { return [] }
        return [.send(Reject(code: .busy, retryAfterSeconds: seconds).encoded())]
            + refuse("busy", "too many failures from this address")
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
        // A client that has received the server's proof knows whether its guess was right, no matter how it disconnects.
        guard owesProof, outcome != .wrongGuess else {
            return [.refuse(Refusal(reason: reason, text: text, outcome: outcome))]
        }
        let guess = "wrong password, or client disconnected before proving it"
        return [.refuse(Refusal(reason: "password", text: guess, outcome: .wrongGuess))]
    }
}

extension LinkAcceptanceStateMachine.Talk {
    /// Handles one of the messages that have arrived.
    fileprivate mutating func step() throws(HandshakeFault) -> ServerHandshake.Step {
        let (consumed, step) = try received.withUnsafeBytes { bytes in
            Result { () throws(HandshakeFault) in try handshake.receive(bytes) }
        }.get()
        received.removeFirst(consumed)
        return step
    }
}
