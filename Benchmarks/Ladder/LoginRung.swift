import CryptoPrimitives
import ProtocolCore
import Vocabulary

/// Logins in memory, from the client's share to the server's acceptance.
///
/// The benchmark does not include password stretching, which a client does once for each realm.
struct LoginRung {
    private let credential: ClientCredential
    private let table: VerifierTable

    init() throws {
        guard let realm = Realm("bench#1"), let identity = try? Identity("bench") else {
            throw BenchmarkFailure("a name")
        }
        let secret = StretchedPassword(w0: try Self.scalar(), w1: try Self.scalar())
        credential = try ClientCredential(
            identity: identity,
            realm: realm,
            cost: .standard,
            secret: secret
        )
        table = try VerifierTable(
            realm: realm,
            cost: .standard,
            verifiers: [Verifier(identity: identity, secret: secret)],
            dummy: (Self.scalar(), Self.scalar())
        )
    }

    private static func scalar() throws -> SecretBytes {
        guard let scalar = P521.Scalar(maskedRandom: try SystemRandom.secretBytes(count: P521.scalarCount))
        else { throw BenchmarkFailure("a scalar") }
        return scalar.bytes
    }

    /// Runs both ends of one login.
    ///
    /// - Returns: the processor time of the server's end.
    /// - Throws: an error if the login fails.
    @discardableResult
    func login() throws -> Duration {
        var client = ClientHandshake(
            random: try SystemRandom.bytes(count: 32),
            suites: [.encrypted],
            parameters: SessionParameters()
        )
        var server = ServerHandshake(
            table: table,
            suites: [.encrypted],
            parameters: SessionParameters(),
            randomness: ServerHandshake.Randomness(
                random: try SystemRandom.bytes(count: 32),
                scalar: try SystemRandom.secretBytes(count: P521.scalarCount),
                retryNonce: try SystemRandom.bytes(count: 16)
            )
        )
        let share = try ProverShare(
            credential: credential,
            random: SystemRandom.secretBytes(count: P521.scalarCount)
        )
        let hello = client.begin(with: (credential, share))
        let began = ProcessTime.now
        guard case .verify(let verifying) = try hello.withUnsafeBytes({ try server.receive($0).step }) else {
            throw BenchmarkFailure("the server does not begin")
        }
        let answer = try server.answer(with: verifying.run())
        let answered = ProcessTime.now - began
        guard case .prove(let proving) = try answer.withUnsafeBytes({ try client.receive($0).step }) else {
            throw BenchmarkFailure("the client does not go on")
        }
        let (finish, _) = try client.finish(with: proving.run())
        let finished = ProcessTime.now
        guard case .established = try finish.withUnsafeBytes({ try server.receive($0).step }) else {
            throw BenchmarkFailure("the server does not accept")
        }
        return answered + (ProcessTime.now - finished)
    }
}
