import CryptoPrimitives
import Testing

/// Diffie-Hellman on P-521 against the vectors of NIST and Wycheproof.
struct P521VectorTests {
    private struct KnownAnswers: Decodable {
        struct Case: Decodable {
            let name: String
            let d, peer, z: Hex
        }

        let ecdh_p521_nist_kas_ecc_cdh: [Case]
    }

    private struct Group: Decodable {
        struct Case: Decodable {
            let tcId: Int
            let flags: Set<String>
            let `public`, `private`, shared: Hex
            let result: Verdict
        }

        let tests: [Case]
    }

    @Test func everyNISTCaseAgreesOnTheSharedSecret() throws {
        let cases = try VectorFile.load(KnownAnswers.self, from: "kat-vectors.json")
            .ecdh_p521_nist_kas_ecc_cdh
        #expect(cases.count == 25)
        for known in cases {
            let scalar = try P521.Scalar(known.d.secret)
            let product = try P521.Point(encoded: known.peer.bytes).times(scalar)
            #expect(try Array(product.encoded()[1..<67]) == known.z.bytes, "\(known.name)")
        }
    }

    /// A case is valid here if its point is uncompressed and lies on the curve.
    ///
    /// The file calls one case "acceptable", because some protocols accept compressed points. It is rejected here like
    /// the invalid ones.
    @Test func everyWycheproofCaseHasItsVerdict() throws {
        let file = try VectorFile.load(
            Wycheproof<Group>.self,
            from: "wycheproof/ecdh_secp521r1_ecpoint_test.json"
        )
        var agreed = 0
        var offCurve = 0
        var otherForms = 0
        for test in file.testGroups.flatMap(\.tests) {
            switch test.result {
            case .valid:
                let scalar = try P521.Scalar(SecretBytes(test.private.padded(to: P521.scalarCount)))
                let product = try P521.Point(encoded: test.public.bytes).times(scalar)
                #expect(try Array(product.encoded()[1..<67]) == test.shared.bytes, "case \(test.tcId)")
                agreed += 1
            case .invalid, .acceptable:
                #expect(throws: CryptoFailure.self, "case \(test.tcId)") {
                    try P521.Point(encoded: test.public.bytes)
                }
                if test.flags.contains("InvalidCurveAttack") {
                    #expect(test.public.bytes.count == P521.pointCount)
                    offCurve += 1
                } else {
                    #expect(test.public.bytes.count != P521.pointCount)
                    otherForms += 1
                }
            }
        }
        #expect(agreed == 632)
        #expect(offCurve == 16)
        #expect(otherForms == 13)
        #expect(agreed + offCurve + otherForms == file.numberOfTests)
    }
}
