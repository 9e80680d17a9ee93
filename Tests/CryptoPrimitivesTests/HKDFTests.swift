import CryptoPrimitives
import Testing

struct HKDFTests {
    private struct Group: Decodable {
        struct Case: Decodable {
            let tcId: Int
            let ikm, salt, info, okm: Hex
            let size: Int
            let result: Verdict
        }

        let tests: [Case]
    }

    @Test func everyWycheproofCaseHasItsVerdict() throws {
        let file = try VectorFile.load(Wycheproof<Group>.self, from: "wycheproof/hkdf_sha512_test.json")
        var valid = 0
        var invalid = 0
        for test in file.testGroups.flatMap(\.tests) {
            let key = HKDF.extract(salt: test.salt.bytes, input: test.ikm.secret)
            #expect(key.isEqual(to: HKDF.extract(salt: test.salt.secret, input: test.ikm.secret)))
            switch test.result {
            case .valid:
                let output = try HKDF.expand(key: key, info: test.info.bytes, count: test.size)
                #expect(output.exposed == test.okm.bytes, "case \(test.tcId)")
                valid += 1
            case .invalid, .acceptable:
                #expect(throws: CryptoFailure.self, "case \(test.tcId)") {
                    try HKDF.expand(key: key, info: test.info.bytes, count: test.size)
                }
                invalid += 1
            }
        }
        #expect(valid == 80)
        #expect(invalid == 3)
        #expect(valid + invalid == file.numberOfTests)
    }

    /// RFC 5869, appendix A.1 and A.3, which are for SHA-256.
    @Test func theVectorsOfTheStandardMatchWithSHA256() throws {
        let input = SecretBytes([UInt8](repeating: 0x0B, count: 22))
        let key = HKDF.extract(.sha256, salt: [UInt8](0...12), input: input)
        let expectedKey: Hex = "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
        #expect(key.exposed == expectedKey.bytes)
        let output = try HKDF.expand(.sha256, key: key, info: [UInt8](0xF0...0xF9), count: 42)
        let expected: Hex =
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        #expect(output.exposed == expected.bytes)

        let bare = try HKDF.expand(
            .sha256,
            key: HKDF.extract(.sha256, salt: [UInt8](), input: input),
            info: [],
            count: 42
        )
        let expectedBare: Hex =
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        #expect(bare.exposed == expectedBare.bytes)
    }

    @Test func anEmptySaltStandsForZeroBytes() {
        let input = SecretBytes([9, 9, 9])
        let empty = HKDF.extract(salt: [UInt8](), input: input)
        #expect(empty.isEqual(to: HKDF.extract(salt: [UInt8](repeating: 0, count: 64), input: input)))
        #expect(empty.isEqual(to: HKDF.extract(salt: SecretBytes([]), input: input)))
    }

    @Test func theCountIsFromOneByteToTwoHundredAndFiftyFiveDigests() throws {
        let key = SecretBytes([UInt8](repeating: 1, count: 64))
        for count in [Int.min, -1, 0, 255 * 64 + 1, Int.max] {
            #expect(throws: CryptoFailure.self, "\(count)") {
                try HKDF.expand(key: key, info: [], count: count)
            }
        }
        #expect(throws: CryptoFailure.self) {
            try HKDF.expand(.sha256, key: key, info: [], count: 255 * 32 + 1)
        }
        let longest = try HKDF.expand(key: key, info: [5], count: 255 * 64)
        #expect(longest.count == 255 * 64)
        // A shorter output is a prefix of a longer one, on and off the boundaries of the digests.
        for count in [1, 63, 64, 65, 127, 128, 129, 1000] {
            let shorter = try HKDF.expand(key: key, info: [5], count: count)
            #expect(shorter.isEqual(to: longest.slice(0..<count)), "\(count)")
        }
    }
}
