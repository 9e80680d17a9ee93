import CryptoPrimitives
import Testing

struct HMACTests {
    private struct Group: Decodable {
        struct Case: Decodable {
            let tcId: Int
            let key, msg, tag: Hex
            let result: Verdict
        }

        let tagSize: Int
        let tests: [Case]
    }

    @Test func everyWycheproofCaseHasItsVerdict() throws {
        let file = try VectorFile.load(Wycheproof<Group>.self, from: "wycheproof/hmac_sha256_test.json")
        var valid = 0
        var invalid = 0
        for group in file.testGroups {
            for test in group.tests {
                let code = HMAC.code(.sha256, key: test.key.secret, message: test.msg.bytes)
                #expect(code.count == 32)
                // Half of the cases compare only the first 16 bytes of the tag.
                let right = ConstantTime.areEqual([UInt8](code.prefix(group.tagSize / 8)), test.tag.bytes)
                #expect(right == (test.result == .valid), "case \(test.tcId)")
                if test.result == .valid { valid += 1 } else { invalid += 1 }
            }
        }
        #expect(valid == 66)
        #expect(invalid == 108)
        #expect(valid + invalid == file.numberOfTests)
    }

    /// RFC 4231, case 2 and case 6, whose key is longer than a block.
    @Test func theVectorsOfTheStandardMatchWithSHA512() {
        let short: Hex =
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        #expect(
            HMAC.code(
                key: SecretBytes([UInt8]("Jefe".utf8)),
                message: [UInt8]("what do ya want for nothing?".utf8)
            )
                == short.bytes
        )
        let long: Hex =
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
        let message = [UInt8]("Test Using Larger Than Block-Size Key - Hash Key First".utf8)
        #expect(
            HMAC.code(key: SecretBytes([UInt8](repeating: 0xAA, count: 131)), message: message) == long.bytes
        )
    }

    @Test func keysAroundTheBlockSizeFollowTheDefinition() {
        let message = [UInt8]("message".utf8)
        for count in [0, 1, 127, 128, 129, 300_000] {
            let key = [UInt8](repeating: 0x3C, count: count)
            var block = count > 128 ? Digest.sha512(key) : key
            block += [UInt8](repeating: 0, count: 128 - block.count)
            let inner = Digest.sha512(block.map { $0 ^ 0x36 }, message)
            let outer = Digest.sha512(block.map { $0 ^ 0x5C }, inner)
            #expect(HMAC.code(key: SecretBytes(key), message: message) == outer, "key of \(count) bytes")
        }
    }

    @Test func anEmptyMessageHasACode() {
        let key = SecretBytes([1, 2, 3])
        let none = HMAC.code(key: key, message: UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(none == HMAC.code(key: key, message: []))
        #expect(none != HMAC.code(key: key, message: [0]))
        #expect(none.count == 64)
    }
}
