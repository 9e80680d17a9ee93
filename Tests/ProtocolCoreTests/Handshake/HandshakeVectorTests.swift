import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

/// The handshake against `protocol-vectors.json`, byte for byte.
@Suite struct HandshakeVectorTests {
    let file: VectorFile
    let identity: Identity
    let realm: Realm
    let cost: ScryptCost
    let secret: StretchedPassword

    init() throws {
        file = try VectorFile("../Vectors/protocol-vectors.json")
        identity = try Identity(file.text("registration/idProver"))
        realm = try #require(Realm(file.text("registration/idVerifier")))
        cost = try #require(ScryptCost(text: file.text("registration/kdf")))
        secret = StretchedPassword(
            w0: try file.secret("registration/w0"),
            w1: try file.secret("registration/w1")
        )
    }

    @Test func registeringAPasswordGivesTheScalarsPointAndTagOfTheVector() throws {
        let password = try Password(SecretBytes(Array(file.text("registration/password").utf8)))
        let stretched = try StretchedPassword(password, identity: identity, realm: realm, cost: cost)
        #expect(try stretched.w0.hex == file.text("registration/w0"))
        #expect(try stretched.w1.hex == file.text("registration/w1"))
        let verifier = try Verifier(identity: identity, secret: stretched)
        #expect(try verifier.point.hex == file.text("registration/L"))
        #expect(try ClientTag(identity, in: realm).bytes.hex == file.text("registration/client_tag"))
        #expect(try realm.hint(cost: cost).hex == file.text("registration/realm_hint"))
    }

    @Test func aLoginHasTheMessagesAndSecretsOfTheVector() throws {
        try expectLogin("pake", asksForRealm: false)
    }

    @Test func aLoginAfterARealmQueryHasTheMessagesAndSecretsOfTheVector() throws {
        try expectLogin("realm_query", asksForRealm: true)
    }

    private func expectLogin(_ section: String, asksForRealm: Bool) throws {
        let credential = try ClientCredential(identity: identity, realm: realm, cost: cost, secret: secret)
        let share = try ProverShare(credential: credential, random: file.secret("\(section)/x"))
        var client = ClientHandshake(
            random: try file.bytes("\(section)/client_random"),
            suites: [.encrypted],
            parameters: SessionParameters()
        )
        let table = try VerifierTable(
            realm: realm,
            cost: cost,
            verifiers: [Verifier(identity: identity, secret: secret)],
            dummy: (.pattern(1), .pattern(2))
        )
        let nonce = asksForRealm ? try file.bytes("\(section)/retry_nonce") : [UInt8](repeating: 0, count: 16)
        var server = ServerHandshake(
            table: table,
            suites: [.encrypted],
            parameters: SessionParameters(),
            randomness: ServerHandshake.Randomness(
                random: try file.bytes("\(section)/server_random"),
                scalar: try file.secret("\(section)/y"),
                retryNonce: nonce
            )
        )

        var hello = client.begin(with: asksForRealm ? nil : (credential, share))
        if asksForRealm {
            #expect(try hello.hex == file.text("\(section)/query"))
            guard case .send(let retry) = try server.feed(hello) else {
                Issue.record("the server did not answer the query")
                return
            }
            #expect(try retry.hex == file.text("\(section)/retry"))
            guard case .learn(let learned, let learnedCost) = try client.feed(retry) else {
                Issue.record("the client did not learn the realm")
                return
            }
            #expect(learned == realm)
            #expect(learnedCost == cost)
            hello = client.continue(with: credential, share: share)
        }
        #expect(try hello.hex == file.text("\(section)/ClientHello"))
        guard case .verify(let verifierJob) = try server.feed(hello) else {
            Issue.record("the server did not begin to verify")
            return
        }
        let answer = try server.answer(with: verifierJob.run())
        #expect(try answer.hex == file.text("\(section)/ServerHello"))
        let owedBefore = server.owesProof
        #expect(owedBefore)
        guard case .prove(let proverJob) = try client.feed(answer) else {
            Issue.record("the client did not begin to prove")
            return
        }
        let (finish, agreement) = try client.finish(with: proverJob.run())
        #expect(try finish.hex == file.text("\(section)/ClientFinish"))
        guard case .established(let other) = try server.feed(finish) else {
            Issue.record("the server did not accept")
            return
        }
        let owedAfter = server.owesProof
        #expect(!owedAfter)
        #expect(other.identity == identity)
        for secrets in [agreement.secrets, other.secrets] {
            #expect(try secrets.client.hex == file.text("\(section)/c_ap0"))
            #expect(try secrets.server.hex == file.text("\(section)/s_ap0"))
            #expect(try secrets.sessionID.hex == file.text("\(section)/session_id"))
            #expect(try secrets.resumptionClient.hex == file.text("\(section)/ra_c"))
            #expect(try secrets.resumptionServer.hex == file.text("\(section)/ra_s"))
        }
    }

    @Test func keysAndRatchetAreThoseOfTheVector() throws {
        for (secret, key, iv) in [("c_ap0", "c_key0", "c_iv0"), ("s_ap0", "s_key0", "s_iv0")] {
            let keys = try TrafficKeys(file.secret("pake/\(secret)"))
            #expect(try keys.key.hex == file.text("pake/\(key)"))
            #expect(try keys.iv.hex == file.text("pake/\(iv)"))
        }
        let next = try TrafficKeys.successor(of: file.secret("pake/c_ap0"))
        #expect(try next.hex == file.text("pake/c_ap1"))
        #expect(try TrafficKeys(next).key.hex == file.text("pake/c_key1"))
        #expect(try TrafficKeys(next).iv.hex == file.text("pake/c_iv1"))
    }

    @Test(arguments: AEADBackend.usable)
    func recordsAreThoseOfTheVector(backend: AEADBackend) throws {
        for (secret, steps) in [
            ("c_ap0", ["client_record0"]), ("s_ap0", ["server_record0"]),
        ] {
            var keys = try DirectionKeys(
                secret: file.secret("pake/\(secret)"),
                suite: .encrypted,
                limits: .standard,
                makeCipher: recordCiphers(by: backend)
            )
            for step in steps {
                let record = try keys.sealed(file.bytes("pake/\(step)/plaintext"))
                #expect(try record.hex == file.text("pake/\(step)/record"))
            }
        }
        var keys = try DirectionKeys(
            secret: file.secret("pake/c_ap0"),
            suite: .encrypted,
            limits: .standard,
            makeCipher: recordCiphers(by: backend)
        )
        _ = try keys.sealed(file.bytes("pake/client_record0/plaintext"))
        let update = try keys.sealed([9, 0, 0, 1, 0, 0, 0, 0, 0])
        #expect(try update.hex == file.text("pake/client_record1_key_update"))
        try keys.ratchet()
        let close = try keys.sealed([8, 0, 0, 2, 0, 0, 0, 0, 0, 0])
        #expect(try close.hex == file.text("pake/client_record2_close"))
    }
}

extension SecretBytes {
    /// 66 bytes that encode a valid scalar.
    static func pattern(_ value: UInt8) -> SecretBytes {
        SecretBytes([0] + [UInt8](repeating: value, count: 65))
    }
}

extension ClientHandshake {
    mutating func feed(_ bytes: [UInt8]) throws -> Step {
        try bytes.withUnsafeBytes { try receive($0).step }
    }
}

extension ServerHandshake {
    mutating func feed(_ bytes: [UInt8]) throws -> Step {
        try bytes.withUnsafeBytes { try receive($0).step }
    }
}
