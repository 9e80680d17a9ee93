import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

/// The participants of the test handshakes: the user alice with a stretched password, and a server that knows her.
struct People {
    let realm: Realm
    let cost = ScryptCost.standard
    let secret: StretchedPassword
    let alice: ClientCredential
    let verifier: Verifier
    let table: VerifierTable

    init(_ realmName: String = "example.net#7c1f") throws {
        realm = try #require(Realm(realmName))
        secret = StretchedPassword(w0: .pattern(11), w1: .pattern(12))
        let identity = try Identity("alice")
        alice = try ClientCredential(identity: identity, realm: realm, cost: cost, secret: secret)
        verifier = try Verifier(identity: identity, secret: secret)
        table = try VerifierTable(
            realm: realm,
            cost: cost,
            verifiers: [verifier],
            dummy: (.pattern(1), .pattern(2))
        )
    }

    /// Alice's credential with another password, user or realm.
    func credential(
        user: String = "alice",
        realm: Realm? = nil,
        secret: StretchedPassword? = nil
    ) throws -> ClientCredential {
        try ClientCredential(
            identity: Identity(user),
            realm: realm ?? self.realm,
            cost: cost,
            secret: secret ?? self.secret
        )
    }
}
