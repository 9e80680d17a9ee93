import CryptoPrimitives
import ProtocolCore
import Vocabulary

/// Decides how a client logs in.
///
/// It decides when to send which message, which work to run on another thread, when to try the peer's next address, and when to
/// give up.
///
/// ```
/// start ──► sharing ──► connecting ──► talking ──► over
///   └─────────────────►      ▲     stretching │
///         (no credential)    │     sharing    │ proving
///                            └── next address ┘
/// ```
/// Pure: events go in, actions come out. Every connection has an attempt number, by which the machine ignores the result of work
/// that was started for an earlier connection.
struct LoginStateMachine: ~Copyable {
    /// A step that the shell takes next, in the order of the array.
    enum Action {
        /// Make a key share on another thread and pass it to ``shared(_:attempt:)``.
        case share(ClientCredential)
        /// Connect to the next address, then call ``connected(random:)`` or ``failed(_:hasMoreAddresses:)``.
        case connect
        /// Start the deadline of the handshake.
        case startDeadline
        /// Send this message.
        case send([UInt8])
        /// Stretch the password for this realm and pass the credential to ``stretched(_:attempt:)``.
        case stretch(Realm, ScryptCost)
        /// Run the job on another thread and pass its result to ``proved(_:attempt:hasMoreAddresses:)``.
        case prove(ProverJob)
        /// Delay the next login: the server refused the password, or made this end stretch it and then failed to complete the
        /// handshake.
        case noteRefusal
        /// Close this connection and call ``start(_:)`` again, for the peer's next address.
        case retry
        /// Create the session and send the message before its records. `received` holds the bytes that arrived after the
        /// handshake.
        case establish(Agreement, message: [UInt8], received: [UInt8])
        /// Give up.
        case fail(LinkFailure)
    }

    private enum State {
        case idle
        /// The share is computed before the connection is established, so that the hello can follow the connection at once.
        case sharing(ClientCredential)
        case connecting(Login?)
        /// The handshake is in progress and waits for the server or for a result.
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
        /// Whether the server made this end stretch the password.
        var hasStretched = false
    }

    private var state = State.idle
    /// The handshake, while the state is ``State/awaiting(_:)``.
    private var talk: Talk?
    private let settings: Settings
    /// The number of the current connection.
    private(set) var attempt = 0

    /// The suites, parameters and realm that this end offers and accepts.
    struct Settings {
        let suites: [Suite]
        let parameters: SessionParameters
        let pinnedRealm: Realm?
    }

    /// The maximum number of bytes that are read before the server has proved itself: two hellos of the largest size.
    ///
    /// Larger: an impostor can make this end hold more bytes. Smaller: the hello of a later version does not fit.
    private static let maxReceived = 2 * (HandshakeFrame.headerCount + HandshakeFrame.maxBody)

    init(_ settings: Settings) {
        self.settings = settings
    }

    /// Whether the login has succeeded or failed.
    var isOver: Bool {
        if case .over = state { true } else { false }
    }

    /// Starts, for the first time or after ``Action/retry``; `credential` is `nil` if the password was not stretched yet.
    mutating func start(_ credential: ClientCredential?) -> [Action] {
        guard case .idle = state else { return [] }
        if let credential {
            state = .sharing(credential)
            return [.share(credential)]
        }
        state = .connecting(nil)
        return [.connect]
    }

    /// The connection is established; `random` has 32 random bytes, used once.
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

    /// Bytes have arrived from the server.
    ///
    /// - Parameters:
    ///   - bytes: the bytes.
    ///   - hasMoreAddresses: whether the peer has an address that was not tried.
    /// - Returns: the steps that the shell takes next.
    mutating func received(_ bytes: UnsafeRawBufferPointer, hasMoreAddresses: Bool) -> [Action] {
        guard case .awaiting = state else { return [] }
        talk?.received += bytes
        guard talk?.received.count ?? 0 <= Self.maxReceived else {
            return failed(.incompatible("message too long"), hasMoreAddresses: hasMoreAddresses)
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

    /// The credential for the server's realm is ready.
    mutating func stretched(_ credential: ClientCredential, attempt: Int) -> [Action] {
        guard attempt == self.attempt, case .awaiting(.credential) = state else { return [] }
        state = .awaiting(.share(credential))
        return [.share(credential)]
    }

    /// A key share is ready.
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

    /// The products of the exchange are ready.
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
    ///   - failure: the reason; some failures concern one address only.
    ///   - hasMoreAddresses: whether the peer has an address that was not tried.
    /// - Returns: the steps that the shell takes next.
    mutating func failed(_ failure: LinkFailure, hasMoreAddresses: Bool) -> [Action] {
        if isOver { return [] }
        // This end does not stretch a password for a realm of another application.
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
    /// Handles one of the messages that have arrived.
    fileprivate mutating func step() throws(HandshakeFault) -> ClientHandshake.Step {
        let (consumed, step) = try received.withUnsafeBytes { bytes in
            Result { () throws(HandshakeFault) in try handshake.receive(bytes) }
        }.get()
        received.removeFirst(consumed)
        return step
    }
}
