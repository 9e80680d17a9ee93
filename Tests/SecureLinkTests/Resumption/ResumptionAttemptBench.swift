import CryptoPrimitives
import Testing
import Vocabulary

@testable import ProtocolCore
@testable import SecureLink

/// The machine of an attempt to resume a session, and real servers that have the session or another one.
struct ResumptionAttemptBench {
    /// An action as far as a test compares it.
    enum Seen: Equatable {
        case connect
        case startDeadline
        case send([UInt8])
        case close
        case attach(peerReceived: UInt64, received: [UInt8])
        case fail(LinkFailure)
    }

    /// Whether the peer has an address that was not tried.
    var hasMoreAddresses = false
    private var machine = ResumptionAttemptStateMachine()
    /// The number of connections so far.
    private var attempt: UInt64 = 0

    /// The number of records that the client has received.
    static let received: UInt64 = 5
    /// The number of records that the server has received.
    static let peerReceived: UInt64 = 0x0102_0304_0506_0708
    /// The keys that only the two ends of the session have.
    static let proof = Result { try makeProof(secret: 7) }

    private static let foreignProof = Result { try makeProof(secret: 8) }

    init(hasMoreAddresses: Bool = false) {
        self.hasMoreAddresses = hasMoreAddresses
    }

    /// An attempt whose request is on its way.
    static func asking(isSessionsServer: Bool, hasMoreAddresses: Bool = false) throws -> Self {
        var attempt = Self(hasMoreAddresses: hasMoreAddresses)
        attempt.start()
        try attempt.connected(isSessionsServer: isSessionsServer)
        return attempt
    }

    var isOver: Bool { machine.isOver }

    /// The request of the current connection.
    func request() throws -> ClientResumption {
        try Self.request(attempt)
    }

    /// The answer of the server that has the session.
    func answer() throws -> [UInt8] {
        try Self.answer(to: request(), with: Self.proof.get())
    }

    /// The answer of a server that does not have the session's keys.
    func foreignAnswer() throws -> [UInt8] {
        try Self.answer(to: request(), with: Self.foreignProof.get())
    }

    static func request(_ attempt: UInt64) throws -> ClientResumption {
        ClientResumption(
            try proof.get(),
            attempt: attempt,
            received: received,
            random: HandshakePeople.clientRandom
        )
    }

    static func answer(to request: ClientResumption, with proof: SessionProof) throws -> [UInt8] {
        try claim(in: request.message).answer(
            with: proof,
            received: peerReceived,
            random: [UInt8](repeating: 0x51, count: 32)
        )
    }

    /// The request as a server reads it.
    static func claim(in message: [UInt8]) throws -> ResumptionRequest {
        var server = try HandshakePeople.shared().server()
        guard case .resume(let request) = try message.withUnsafeBytes({ try server.receive($0).step }) else {
            throw HandshakeFault.unexpectedMessage
        }
        return request
    }

    private static func makeProof(secret: UInt8) throws -> SessionProof {
        SessionProof(
            Agreement(
                identity: try Identity("alice"),
                suite: .encrypted,
                secrets: try SessionSecrets(
                    shared: SecretBytes([UInt8](repeating: secret, count: 64)),
                    hellos: [1],
                    whole: [2]
                ),
                peerParameters: SessionParameters()
            )
        )
    }
}

// MARK: - Inputs

extension ResumptionAttemptBench {
    @discardableResult
    mutating func start() -> [Seen] {
        machine.start().map(\.seen)
    }

    @discardableResult
    mutating func connected(isSessionsServer: Bool) throws -> [Seen] {
        attempt += 1
        return machine.connected(try request(), isSessionsServer: isSessionsServer).map(\.seen)
    }

    mutating func connectingFailed(_ failure: LinkFailure) -> [Seen] {
        machine.connectingFailed(failure).map(\.seen)
    }

    @discardableResult
    mutating func received(_ bytes: some Collection<UInt8>) -> [Seen] {
        let bytes = Array(bytes)
        let hasMore = hasMoreAddresses
        return bytes.withUnsafeBytes { machine.received($0, hasMoreAddresses: hasMore) }.map(\.seen)
    }

    mutating func failed(_ failure: LinkFailure) -> [Seen] {
        machine.failed(failure, hasMoreAddresses: hasMoreAddresses).map(\.seen)
    }
}

extension ResumptionAttemptStateMachine.Action {
    var seen: ResumptionAttemptBench.Seen {
        switch self {
        case .connect: .connect
        case .startDeadline: .startDeadline
        case .send(let message): .send(message)
        case .close: .close
        case .attach(let peerReceived, let received): .attach(peerReceived: peerReceived, received: received)
        case .fail(let failure): .fail(failure)
        }
    }
}
