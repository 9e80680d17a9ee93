import Basics
import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore
@testable import SecureLink

/// The machine of a link that was accepted, and a real client for what it sends; the time is the test's.
final class AcceptanceBench {
    /// An action as far as a test compares it.
    enum Seen: Equatable {
        case setDeadline(Instant)
        case listen
        case read
        case pause
        case send([UInt8])
        case compute(tag: [UInt8])
        case establish(Identity, tag: [UInt8], received: [UInt8])
        case resume(SessionID)
        case refuse(LinkAcceptanceStateMachine.Refusal)

        static func refuse(
            _ reason: String,
            _ text: String,
            _ outcome: HandshakeGate.Outcome = .nothing
        ) -> Seen {
            .refuse(LinkAcceptanceStateMachine.Refusal(reason: reason, text: text, outcome: outcome))
        }
    }

    /// A step of the handshake.
    enum Stage: CaseIterable {
        /// Nothing has come.
        case listening
        /// A part of a hello has come.
        case hearing
        /// The client was sent back to stretch its password.
        case sentRetry
        case computing
        /// The client has seen the server's proof.
        case sentProof
        case settling
    }

    let people: HandshakePeople
    /// The time that the bench hands to the machine.
    var now = AcceptanceBench.start
    private(set) var agreement: Agreement?
    private var machine = LinkAcceptanceStateMachine()
    private var client: ClientHandshake
    private var job: VerifierJob?
    private var sent: [UInt8] = []

    /// The moment in which links are admitted.
    static let start = Instant.seconds(100)
    /// The time limit of a handshake.
    static let timeout = Duration.seconds(10)
    /// The end of that limit.
    static var end: Instant { start + timeout }
    /// The end of the limit of a hello that begins at once.
    static var helloEnd: Instant { start + .seconds(3) }

    init() throws {
        people = try .shared()
        client = people.client()
    }

    /// A link at that step; `asksForRealm` says how the client begins.
    convenience init(at stage: Stage, asksForRealm: Bool = false) throws {
        try self.init()
        admit()
        switch stage {
        case .listening: return
        case .hearing:
            received(Array(HandshakeFrame.magic))
            return
        case .sentRetry:
            received(query())
            return
        case .computing, .sentProof, .settling: break
        }
        if asksForRealm {
            received(query())
            received(try secondHello())
        } else {
            received(try hello())
        }
        if stage == .computing { return }
        try computed()
        if stage == .sentProof { return }
        received(try finish())
    }

    var isOver: Bool { machine.isOver }
    var claimedUser: String? { machine.claimedUser }
}

// MARK: - What a client says

extension AcceptanceBench {
    func query() -> [UInt8] {
        client.begin(with: nil)
    }

    func hello(_ credential: ClientCredential? = nil) throws -> [UInt8] {
        let credential = credential ?? people.alice
        return client.begin(with: (credential, try people.share(credential)))
    }

    /// The client's answer to a Retry.
    func secondHello() throws -> [UInt8] {
        guard case .learn = try sent.withUnsafeBytes({ try client.receive($0).step }) else {
            throw HandshakeFault.unexpectedMessage
        }
        return client.continue(with: people.alice, share: try people.share(people.alice))
    }

    /// The client's proof, made from the server's.
    func finish() throws -> [UInt8] {
        guard case .prove(let job) = try sent.withUnsafeBytes({ try client.receive($0).step }) else {
            throw HandshakeFault.unexpectedMessage
        }
        let (message, agreement) = try client.finish(with: job.run())
        self.agreement = agreement
        return message
    }

    /// A hello that asks for a session.
    static func sessionHello() throws -> (message: [UInt8], id: SessionID) {
        let proof = SessionProof(
            Agreement(
                identity: try Identity("alice"),
                suite: .encrypted,
                secrets: try .forTests(),
                peerParameters: SessionParameters()
            )
        )
        let random = HandshakePeople.clientRandom
        let resumption = ClientResumption(proof, attempt: 1, received: 5, random: random)
        return (resumption.message, proof.id)
    }
}

// MARK: - Inputs

extension AcceptanceBench {
    @discardableResult
    func admit(
        as admission: HandshakeGate.Admission = .anything,
        timeout: Duration = AcceptanceBench.timeout,
        suites: [Suite] = [.encrypted]
    ) -> [Seen] {
        note(machine.admitted(admission, people.server(suites: suites), at: now, timeout: timeout))
    }

    func admitWithoutRandomBytes() -> [Seen] {
        note(machine.admitted(.anything, nil, at: now, timeout: Self.timeout))
    }

    @discardableResult
    func received(_ bytes: [UInt8]) -> [Seen] {
        note(bytes.withUnsafeBytes { machine.received($0, at: now) })
    }

    /// Runs the job that the machine has handed out.
    func products() throws -> ExchangeProducts? {
        try job?.run()
    }

    @discardableResult
    func computed() throws -> [Seen] {
        note(machine.computed(try products()))
    }

    func computedNothing() -> [Seen] { note(machine.computed(nil)) }
    func isOverloaded() -> [Seen] { note(machine.isOverloaded()) }
    func closed() -> [Seen] { note(machine.closed()) }
    func timedOut() -> [Seen] { note(machine.timedOut()) }
    func settled() { machine.settled() }
    func failed(_ fault: HandshakeFault) -> [Seen] { note(machine.failed(fault)) }
    func failed(_ text: String) -> [Seen] { note(machine.failed(text)) }

    private func note(_ actions: [LinkAcceptanceStateMachine.Action]) -> [Seen] {
        actions.map { action in
            switch action {
            case .setDeadline(let moment): return .setDeadline(moment)
            case .listen: return .listen
            case .read: return .read
            case .pause: return .pause
            case .send(let message):
                sent = message
                return .send(message)
            case .compute(let job, let tag):
                self.job = job
                return .compute(tag: tag)
            case .establish(let agreement, let tag, let received):
                return .establish(agreement.identity, tag: tag, received: received)
            case .resume(let request): return .resume(request.session)
            case .refuse(let refusal): return .refuse(refusal)
            }
        }
    }
}
