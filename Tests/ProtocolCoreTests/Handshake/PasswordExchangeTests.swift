import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

@Suite struct PasswordExchangeTests {
    @Test func everyValueOfThePublishedP521VectorIsReproduced() throws {
        let file = try VectorFile("../Vectors/spake2plus-vectors.json")
        let vectors = try file.objects("vectors").filter { $0["group"] as? String == "P521" }
        #expect(vectors.count == 1)
        for vector in vectors {
            func bytes(_ name: String) throws -> [UInt8] {
                let digits = try #require(vector[name] as? String, "no \(name)")
                return try #require([UInt8](hex: digits))
            }
            func text(_ name: String) throws -> [UInt8] { Array(try #require(vector[name] as? String).utf8) }
            let w0 = SecretBytes(try bytes("w0"))
            let w1 = SecretBytes(try bytes("w1"))
            let identity = try Identity(user: "test")
            let realm = try #require(Realm("test"))
            let secret = StretchedPassword(w0: w0, w1: w1)
            let credential = try ClientCredential(
                identity: identity,
                realm: realm,
                cost: .standard,
                secret: secret
            )
            let verifier = try Verifier(identity: identity, secret: secret)
            #expect(try verifier.point == bytes("L"))

            let prover = try ProverShare(credential: credential, random: SecretBytes(bytes("x")))
            #expect(try prover.share == bytes("shareP"))
            let server = try #require(
                try VerifierJob(verifier: verifier, peerShare: prover.share, random: SecretBytes(bytes("y")))
                    .run()
            )
            #expect(try server.share == bytes("shareV"))
            let client = try #require(
                try ProverJob(
                    scalar: prover.scalar,
                    w1: w1,
                    unblind: credential.unblind,
                    peerShare: server.share
                ).run()
            )
            for products in [server, client] {
                #expect(try products.z.hex == bytes("Z").hex)
                #expect(try products.v.hex == bytes("V").hex)
                let keys = try ExchangeKeys(
                    context: text("context"),
                    prover: text("idProver"),
                    verifier: text("idVerifier"),
                    shareP: prover.share,
                    shareV: server.share,
                    products: products,
                    w0: w0
                )
                #expect(try keys.main.hex == bytes("K_main").hex)
                #expect(try keys.confirmProver.hex == bytes("K_confirmP").hex)
                #expect(try keys.confirmVerifier.hex == bytes("K_confirmV").hex)
                #expect(try keys.shared.hex == bytes("K_shared").hex)
                #expect(try HMAC.code(key: keys.confirmProver, message: server.share) == bytes("confirmP"))
                #expect(try HMAC.code(key: keys.confirmVerifier, message: prover.share) == bytes("confirmV"))
            }
        }
    }

    @Test func theConstantsAreThoseOfTheStandard() throws {
        // RFC 9383, section 4, lists them in compressed form.
        let m =
            "02003f06f38131b2ba2600791e82488e8d20ab889af753a41806c5db18d37d85608cfae06b82e4a72cd744c719193562a653ea1f"
            + "119eef9356907edc9b56979962d7aa"
        let n =
            "0200c7924b9ec017f3094562894336a53c50167ba8c5963876880542bc669e494b2532d76c5b53dfb349fdf69154b9e0048c58a4"
            + "2e8ed04cef052a3bc349d95575cd25"
        for (printed, used) in [(m, PasswordExchange.pointM), (n, PasswordExchange.pointN)] {
            let bytes = try #require([UInt8](hex: printed))
            #expect(try P521.Point(compressedConstant: bytes).encoded() == used)
        }
    }

    @Test func aShareThatCancelsTheBlindIsRefusedByBothEnds() throws {
        let identity = try Identity(user: "alice")
        let realm = try #require(Realm("example"))
        let secret = StretchedPassword(
            w0: SecretBytes([UInt8](repeating: 0, count: 65) + [7]),
            w1: SecretBytes([UInt8](repeating: 0, count: 65) + [9])
        )
        let credential = try ClientCredential(
            identity: identity,
            realm: realm,
            cost: .standard,
            secret: secret
        )
        let verifier = try Verifier(identity: identity, secret: secret)
        let scalar = SecretBytes([UInt8](repeating: 0, count: 65) + [5])
        let server = try VerifierJob(verifier: verifier, peerShare: verifier.blind, random: scalar).run()
        #expect(server == nil)
        let client = try ProverJob(
            scalar: scalar,
            w1: secret.w1,
            unblind: credential.unblind,
            peerShare: credential.unblind
        ).run()
        #expect(client == nil)
    }
}
