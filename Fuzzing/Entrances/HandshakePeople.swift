import CryptoPrimitives
import ProtocolCore
import Vocabulary

/// A user, her password and a server that knows it: the same in every run, so that a corpus can contain their
/// messages.
struct HandshakePeople {
    let realm: Realm
    let cost = ScryptCost.standard
    let alice: ClientCredential
    /// The key share with which alice begins every handshake.
    let share: ProverShare
    let table: VerifierTable
    let random: [UInt8] = .init(repeating: 0xC1, count: 32)
    /// The proof of a session whose keys both ends have.
    let proof: SessionProof

    static let shared: HandshakePeople = {
        do { return try HandshakePeople() } catch {
            preconditionFailure("values that are always valid: \(error)")
        }
    }()

    private init() throws {
        guard let realm = Realm("example.net#7c1f"), let identity = try? Identity("alice") else {
            throw CryptoFailure(operation: "HandshakePeople", reason: "names")
        }
        self.realm = realm
        let secret = StretchedPassword(w0: try Self.scalar(11), w1: try Self.scalar(12))
        alice = try ClientCredential(identity: identity, realm: realm, cost: cost, secret: secret)
        share = try ProverShare(credential: alice, random: Self.scalar(33))
        proof = try Self.makeProof()
        table = try VerifierTable(
            realm: realm,
            cost: cost,
            verifiers: [Verifier(identity: identity, secret: secret)],
            dummy: (Self.scalar(1), Self.scalar(2))
        )
    }

    private static func makeProof() throws -> SessionProof {
        let id = (0..<UInt8(SessionID.count)).map { $0 &* 3 }.withUnsafeBytes { SessionID($0) }
        guard let id else { throw CryptoFailure(operation: "HandshakePeople", reason: "session") }
        return SessionProof(
            id: id,
            suite: .encrypted,
            client: SecretBytes([UInt8](repeating: 0x11, count: 64)),
            server: SecretBytes([UInt8](repeating: 0x22, count: 64))
        )
    }

    private static func scalar(_ seed: UInt8) throws -> SecretBytes {
        let bytes = SecretBytes((0..<P521.scalarCount).map { UInt8(truncatingIfNeeded: $0) &* 7 &+ seed })
        guard let scalar = P521.Scalar(maskedRandom: bytes) else {
            throw CryptoFailure(operation: "HandshakePeople", reason: "scalar")
        }
        return scalar.bytes
    }

    func client() -> ClientHandshake {
        ClientHandshake(
            random: random,
            suites: [.encrypted, .integrityOnly],
            parameters: SessionParameters()
        )
    }

    func server() -> ServerHandshake {
        ServerHandshake(
            table: table,
            suites: [.encrypted],
            parameters: SessionParameters(),
            randomness: ServerHandshake.Randomness(
                random: [UInt8](repeating: 0x51, count: 32),
                scalar: SecretBytes((0..<P521.scalarCount).map { UInt8(truncatingIfNeeded: $0) &* 5 &+ 81 }),
                retryNonce: [UInt8](repeating: 0xAE, count: 16)
            )
        )
    }
}
