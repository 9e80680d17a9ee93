import CryptoPrimitives
import Testing
import Vocabulary

@testable import ProtocolCore

/// A realm, its users and the two ends of a handshake, for tests of the machines around the core's handshakes.
///
/// Stretching is expensive: ``shared()`` does it once for all tests. Random bytes are fixed, so that a message that was made
/// once is right in every run.
final class HandshakePeople: Sendable {
    let realm: Realm
    /// The cheapest cost that a client accepts.
    let cost: ScryptCost
    /// A user that the server knows.
    let alice: ClientCredential
    /// The same user with a wrong password.
    let mistyped: ClientCredential
    /// A user that the server does not know.
    let carol: ClientCredential
    /// Alice's credential for a realm that is not the server's.
    let abroad: ClientCredential
    let table: VerifierTable

    private static let made = Result { try HandshakePeople() }

    static func shared() throws -> HandshakePeople {
        try made.get()
    }

    private init() throws {
        let realm = try #require(Realm("example.net#7c1f"))
        let cost = ScryptCost(logN: 15, r: 8, p: 1)
        let identity = try Identity("alice")
        func stretch(_ text: String) throws -> StretchedPassword {
            let password = try Password(SecretBytes(Array(text.utf8)))
            return try StretchedPassword(password, identity: identity, realm: realm, cost: cost)
        }
        func credential(
            _ identity: Identity,
            _ realm: Realm,
            _ secret: StretchedPassword
        ) throws -> ClientCredential {
            try ClientCredential(identity: identity, realm: realm, cost: cost, secret: secret)
        }
        let secret = try stretch("correct horse")
        self.realm = realm
        self.cost = cost
        alice = try credential(identity, realm, secret)
        mistyped = try credential(identity, realm, stretch("battery staple"))
        carol = try credential(Identity("carol"), realm, secret)
        abroad = try credential(identity, #require(Realm("elsewhere")), secret)
        table = try VerifierTable(
            realm: realm,
            cost: cost,
            verifiers: [Verifier(identity: identity, secret: secret)],
            dummy: (.scalar(1), .scalar(2))
        )
    }

    func server(suites: [Suite] = [.encrypted]) -> ServerHandshake {
        ServerHandshake(
            table: table,
            suites: suites,
            parameters: SessionParameters(),
            randomness: ServerHandshake.Randomness(
                random: [UInt8](repeating: 0x51, count: 32),
                scalar: .scalar(0x51),
                retryNonce: [UInt8](repeating: 0xAE, count: 16)
            )
        )
    }

    func client() -> ClientHandshake {
        ClientHandshake(
            random: Self.clientRandom,
            suites: [.encrypted],
            parameters: SessionParameters()
        )
    }

    func share(_ credential: ClientCredential) throws -> ProverShare {
        try ProverShare(credential: credential, random: .scalar(0x21))
    }

    /// The random bytes of every client.
    static let clientRandom = [UInt8](repeating: 0xC1, count: 32)
    /// Bytes of another protocol.
    static let garbage = Array("GET / HTTP/1.1\r\n".utf8)
    /// The header of the longest hello, and more behind it than any end may send before it has proved itself.
    static let tooMuch =
        HandshakeFrame.magic + [1, 1, 0x08, 0x00] + [UInt8](repeating: 0, count: 5000)
}

extension SecretBytes {
    /// 66 bytes that are a scalar in range.
    fileprivate static func scalar(_ value: UInt8) -> SecretBytes {
        SecretBytes([0] + [UInt8](repeating: value, count: 65))
    }
}

extension Reject {
    /// A server's Reject as it comes over the wire.
    static func message(_ code: RejectCode, retryAfterSeconds: UInt16 = 0) -> [UInt8] {
        Reject(code: code, retryAfterSeconds: retryAfterSeconds).encoded()
    }
}

extension ServerHandshake {
    /// The server's answer to a whole message, with the arithmetic done at once; `nil` after the client's proof.
    mutating func reply(to message: [UInt8]) throws -> [UInt8]? {
        switch try message.withUnsafeBytes({ try receive($0).step }) {
        case .send(let retry): return retry
        case .verify(let job): return try answer(with: job.run())
        case .wait, .resume, .established: return nil
        }
    }

    /// Takes the client's last message; `nil` if it is none.
    mutating func agreement(after message: [UInt8]) throws -> Agreement? {
        guard case .established(let agreement) = try message.withUnsafeBytes({ try receive($0).step }) else {
            return nil
        }
        return agreement
    }
}
