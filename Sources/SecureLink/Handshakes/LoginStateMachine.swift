import CryptoPrimitives
import ProtocolCore
import Vocabulary

/// Decides how a client logs in: which message when, which work on another thread, when to try the peer's next address, when
/// to give up.
///
/// ```
/// start ──► sharing ──► connecting ──► talking ──► over
///   └─────────────────►      ▲     stretching │
///         (no credential)    │     sharing    │ proving
///                            └── next address ┘
/// ```
/// Pure: events go in, actions come out. Work that was begun for an address that failed is told apart by its attempt, so its
/// result changes nothing.
struct LoginStateMachine: ~Copyable {
    /// What the shell does next, in this order.
    enum Action {
        /// Make a share on another thread; its result is ``shared(_:attempt:)``.
        case share(ClientCredential)
        /// Connect to the next address; its result is ``connected(random:)`` or ``failed(_:hasMoreAddresses:)``.
        case connect
        /// Start the time limit of the handshake.
        case startDeadline
        /// Send this message.
        case send([UInt8])
        /// Make the credential for this realm; its result is ``stretched(_:attempt:)``.
        case stretch(Realm, ScryptCost)
        /// Run the job on another thread; its result is ``proved(_:attempt:)``.
        case prove(ProverJob)
        /// The server refused the password, or asked for work and then went away: do not try again at once.
        case noteRefusal
        /// Close this connection and ``start(_:)`` again, with the peer's next address.
        case retry
        /// Log in: send the message, then the records; what follows the handshake has already come.
        case establish(Agreement, message: [UInt8], received: [UInt8])
        /// Give up.
        case fail(LinkFailure)
    }

    private enum State {
        case idle
        /// The share is being made before there is a connection, so that the hello leaves as soon as there is one.
        case sharing(ClientCredential)
        case connecting(Login?)
        /// The handshake is under way, and waits for this.
        case awaiting(Work)
        case over
    }

    private typealias Login = (credential: ClientCredential, share: ProverShare)

    private enum Work {
        case server
        case credential
        case share(ClientCredential)
        case products
    }

    /// A handshake on a connection.
    fileprivate struct Talk: ~Copyable {
        var handshake: ClientHandshake
        var received: [UInt8] = []
        /// Whether the server had this end stretch the password.
        var hasStretched = false
    }

    private var state = State.idle
    /// There while the state is ``State/awaiting(_:)``.
    private var talk: Talk?
    private let settings: Settings
    /// Counts connections.
    private(set) var attempt = 0

    /// What this end offers and accepts.
    struct Settings {
        let suites: [Suite]
        let parameters: SessionParameters
        let pinnedRealm: Realm?
    }

    /// What a server may say before it has proved itself: two hellos of the largest size, in bytes.
    ///
    /// Larger: an impostor may make this end hold more. Smaller: the hello of a later version does not fit.
    private static let maxReceived = 2 * (HandshakeFrame.headerCount + HandshakeFrame.maxBody)

    init(_ settings: Settings) {
        self.settings = settings
    }

    /// Whether the login has succeeded or failed.
    var isOver: Bool {
        if case .over = state { true } else { false }
    }

    /// Begins, for the first time or after ``Action/retry``, with the credential if there already is one.
    mutating func start(_ credential: ClientCredential?) -> [Action] {
        guard case .idle = state else { return [] }
        if let credential {
            state = .sharing(credential)
            return [.share(credential)]
        }
        state = .connecting(nil)
        return [.connect]
    }

    /// There is a connection; `random` has 32 random bytes, used once.
    mutating func connected(random: [UInt8]) -> [Action] {
        guard case .connecting(let login) = state else { return [] }
        var handshake = ClientHandshake(
            random: random,
            suites: settings.suites,
            parameters: settings.parameters,
            pinnedRealm: settings.pinnedRealm
        )
        let hello = handshake.begin(with: login)
        talk = Talk(handshake: handshake)
        state = .awaiting(.server)
        return [.startDeadline, .send(hello)]
    }

    /// Bytes came from the server.
    ///
    /// - Parameters:
    ///   - bytes: what came.
    ///   - hasMoreAddresses: whether the peer has an address that was not tried.
    /// - Returns: what the shell does next.
    mutating func received(_ bytes: UnsafeRawBufferPointer, hasMoreAddresses: Bool) -> [Action] {
        guard case .awaiting = state else { return [] }
        talk?.received += bytes
        guard talk?.received.count ?? 0 <= Self.maxReceived else {
            return failed(.incompatible("a message that is too long"), hasMoreAddresses: hasMoreAddresses)
        }
        do throws(HandshakeFault) {
            switch try talk?.step() ?? .wait {
            case .wait: return []
            case .learn(let realm, let cost):
                talk?.hasStretched = true
                state = .awaiting(.credential)
                return [.stretch(realm, cost)]
            case .prove(let job):
                state = .awaiting(.products)
                return [.prove(job)]
            }
        } catch {
            return failed(LinkFailure(error), hasMoreAddresses: hasMoreAddresses)
        }
    }

    /// The credential for the server's realm is there.
    mutating func stretched(_ credential: ClientCredential, attempt: Int) -> [Action] {
        guard attempt == self.attempt, case .awaiting(.credential) = state else { return [] }
        state = .awaiting(.share(credential))
        return [.share(credential)]
    }

    /// A share is there.
    mutating func shared(_ share: ProverShare, attempt: Int) -> [Action] {
        guard attempt == self.attempt else { return [] }
        switch state {
        case .sharing(let credential):
            state = .connecting((credential, share))
            return [.connect]
        case .awaiting(.share(let credential)):
            state = .awaiting(.server)
            guard let hello = talk?.handshake.continue(with: credential, share: share) else { return [] }
            return [.send(hello)]
        case .idle, .connecting, .awaiting, .over: return []
        }
    }

    /// The products of the exchange are there.
    mutating func proved(_ products: ExchangeProducts?, attempt: Int, hasMoreAddresses: Bool) -> [Action] {
        guard attempt == self.attempt, case .awaiting(.products) = state else { return [] }
        do throws(HandshakeFault) {
            guard let (message, agreement) = try talk?.handshake.finish(with: products) else { return [] }
            let received = talk?.received ?? []
            state = .over
            talk = nil
            return [.establish(agreement, message: message, received: received)]
        } catch {
            return failed(LinkFailure(error), hasMoreAddresses: hasMoreAddresses)
        }
    }

    /// The connection, a job or this end failed.
    ///
    /// - Parameters:
    ///   - failure: why; some failures concern one address only.
    ///   - hasMoreAddresses: whether the peer has an address that was not tried.
    /// - Returns: what the shell does next.
    mutating func failed(_ failure: LinkFailure, hasMoreAddresses: Bool) -> [Action] {
        if isOver { return [] }
        // For a realm of another application nothing is stretched.
        let hasStretched = if case .otherApplication = failure { false } else { talk?.hasStretched ?? false }
        talk = nil
        var actions: [Action] = failure == .passwordRefused || hasStretched ? [.noteRefusal] : []
        if failure.mayBeOfOneAddress, hasMoreAddresses {
            state = .idle
            attempt += 1
            actions.append(.retry)
        } else {
            state = .over
            actions.append(.fail(failure))
        }
        return actions
    }
}

extension LoginStateMachine.Talk {
    /// Takes one message of what has come.
    fileprivate mutating func step() throws(HandshakeFault) -> ClientHandshake.Step {
        let (consumed, step) = try received.withUnsafeBytes { bytes in
            Result { () throws(HandshakeFault) in try handshake.receive(bytes) }
        }.get()
        received.removeFirst(consumed)
        return step
    }
}
