import CryptoPrimitives
import Testing

@testable import ProtocolCore
@testable import SecureLink

/// A login's machine, and a real server for what it sends; the jobs that it hands out are done when a test says so.
final class LoginBench {
    /// An action as far as a test compares it.
    enum Seen: Equatable {
        case share
        case connect
        case startDeadline
        case send
        case stretch(Realm, ScryptCost)
        case prove
        case noteRefusal
        case retry
        case establish
        case fail(LinkFailure)
    }

    /// The result of a successful login.
    struct Established {
        let agreement: Agreement
        let message: [UInt8]
        let received: [UInt8]
    }

    /// A step of a login.
    enum Stage: CaseIterable {
        case sharing
        case connecting
        case sentHello
        case proving
        case askedForRealm
        case stretching
        case sharingAgain
        case sentSecondHello
        case provingAgain

        /// Whether the server has asked for a stretched password.
        var hasStretched: Bool {
            switch self {
            case .sharing, .connecting, .sentHello, .proving, .askedForRealm: false
            case .stretching, .sharingAgain, .sentSecondHello, .provingAgain: true
            }
        }
    }

    let people: HandshakePeople
    /// Whether the peer has an address that was not tried.
    var hasMoreAddresses = false
    private(set) var established: Established?
    private var machine: LoginStateMachine
    private var server: ServerHandshake
    private var credential: ClientCredential?
    private var job: ProverJob?
    private var sent: [UInt8] = []

    init(pinnedRealm: Realm? = nil) throws {
        people = try .shared()
        server = people.server()
        machine = LoginStateMachine(
            LoginStateMachine.Settings(
                suites: [.encrypted],
                parameters: SessionParameters(),
                pinnedRealm: pinnedRealm
            )
        )
    }

    /// A login at that step.
    convenience init(at stage: Stage, hasMoreAddresses: Bool = false) throws {
        try self.init()
        self.hasMoreAddresses = hasMoreAddresses
        switch stage {
        case .sharing, .connecting, .sentHello, .proving: start(people.alice)
        case .askedForRealm, .stretching, .sharingAgain, .sentSecondHello, .provingAgain: start(nil)
        }
        if stage == .sharing { return }
        if credential != nil { try shared() }
        if stage == .connecting { return }
        connected()
        if stage == .sentHello || stage == .askedForRealm { return }
        received(try answer())
        if stage == .proving || stage == .stretching { return }
        stretched(people.alice)
        if stage == .sharingAgain { return }
        try shared()
        if stage == .sentSecondHello { return }
        received(try answer())
    }

    var isOver: Bool { machine.isOver }
    var attempt: Int { machine.attempt }

    /// The server's answer to the last message.
    func answer() throws -> [UInt8] {
        try #require(try server.reply(to: sent))
    }

    /// The server's side of the agreement, after the login's last message.
    func agreementOfServer() throws -> Agreement? {
        try server.agreement(after: #require(established).message)
    }

    /// Puts a new server behind the next address.
    func moveToNextServer() {
        server = people.server()
    }
}

// MARK: - Inputs

extension LoginBench {
    @discardableResult
    func start(_ credential: ClientCredential?) -> [Seen] {
        note(machine.start(credential))
    }

    @discardableResult
    func shared(attempt: Int? = nil) throws -> [Seen] {
        let share = try people.share(credential ?? people.alice)
        return note(machine.shared(share, attempt: attempt ?? machine.attempt))
    }

    @discardableResult
    func connected() -> [Seen] {
        note(machine.connected(random: HandshakePeople.clientRandom))
    }

    @discardableResult
    func received(_ bytes: [UInt8]) -> [Seen] {
        let hasMore = hasMoreAddresses
        return note(bytes.withUnsafeBytes { machine.received($0, hasMoreAddresses: hasMore) })
    }

    @discardableResult
    func stretched(_ credential: ClientCredential, attempt: Int? = nil) -> [Seen] {
        note(machine.stretched(credential, attempt: attempt ?? machine.attempt))
    }

    @discardableResult
    func proved(attempt: Int? = nil) throws -> [Seen] {
        proved(with: try job?.run(), attempt: attempt)
    }

    func proved(with products: ExchangeProducts?, attempt: Int? = nil) -> [Seen] {
        let attempt = attempt ?? machine.attempt
        return note(machine.proved(products, attempt: attempt, hasMoreAddresses: hasMoreAddresses))
    }

    @discardableResult
    func failed(_ failure: LinkFailure) -> [Seen] {
        note(machine.failed(failure, hasMoreAddresses: hasMoreAddresses))
    }

    private func note(_ actions: [LoginStateMachine.Action]) -> [Seen] {
        for action in actions {
            switch action {
            case .share(let credential): self.credential = credential
            case .send(let message): sent = message
            case .prove(let job): self.job = job
            case .establish(let agreement, let message, let received):
                established = Established(agreement: agreement, message: message, received: received)
            case .connect, .startDeadline, .stretch, .noteRefusal, .retry, .fail: break
            }
        }
        return actions.map(\.seen)
    }
}

extension LoginStateMachine.Action {
    var seen: LoginBench.Seen {
        switch self {
        case .share: .share
        case .connect: .connect
        case .startDeadline: .startDeadline
        case .send: .send
        case .stretch(let realm, let cost): .stretch(realm, cost)
        case .prove: .prove
        case .noteRefusal: .noteRefusal
        case .retry: .retry
        case .establish: .establish
        case .fail(let failure): .fail(failure)
        }
    }
}
