import CryptoPrimitives
import Testing

struct PasswordHashTests {
    private struct KnownAnswers: Decodable {
        struct Case: Decodable {
            let password: String
            let salt: String
            let N: Int
            let r: Int
            let p: Int
            let out: Hex
        }

        let scrypt_rfc7914: [Case]
    }

    /// The last of the four needs 1 GiB, which is above libcrypto's default limit.
    @Test func theVectorsOfTheStandardMatch() throws {
        let cases = try VectorFile.load(KnownAnswers.self, from: "kat-vectors.json").scrypt_rfc7914
        #expect(cases.map(\.N) == [16, 1024, 16_384, 1_048_576])
        for known in cases {
            let output = try PasswordHash.scrypt(
                password: SecretBytes([UInt8](known.password.utf8)),
                salt: [UInt8](known.salt.utf8),
                cost: ScryptCost(logN: known.N.trailingZeroBitCount, r: known.r, p: known.p),
                count: known.out.bytes.count
            )
            #expect(output.exposed == known.out.bytes, "N = \(known.N)")
        }
    }

    @Test(arguments: [
        ScryptCost(logN: 0, r: 8, p: 1), ScryptCost(logN: -1, r: 8, p: 1), ScryptCost(logN: 16, r: 1, p: 1),
        ScryptCost(logN: 64, r: 8, p: 1), ScryptCost(logN: .max, r: 8, p: 1),
        ScryptCost(logN: 62, r: 1 << 20, p: 1),
        ScryptCost(logN: 10, r: 0, p: 1), ScryptCost(logN: 10, r: 8, p: 0),
        ScryptCost(logN: 10, r: -8, p: -1),
        ScryptCost(logN: 10, r: 1 << 15, p: 1 << 15), ScryptCost(logN: 10, r: .max, p: .max),
    ])
    func invalidParametersAreRefused(cost: ScryptCost) {
        #expect(throws: CryptoFailure(operation: "scrypt", reason: "not defined for these parameters")) {
            try PasswordHash.scrypt(password: SecretBytes([1]), salt: [2], cost: cost, count: 32)
        }
    }

    @Test(arguments: [0, -1]) func anOutputLengthBelowOneIsRefused(count: Int) {
        #expect(throws: CryptoFailure.self) {
            try PasswordHash.scrypt(
                password: SecretBytes([1]),
                salt: [2],
                cost: ScryptCost(logN: 4, r: 1, p: 1),
                count: count
            )
        }
    }
}
