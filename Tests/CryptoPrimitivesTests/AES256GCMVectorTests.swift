import CryptoPrimitives
import Testing

/// AES-256-GCM against the test vectors of its specification and against Wycheproof.
struct AES256GCMVectorTests {
    private struct KnownAnswers: Decodable {
        struct Case: Decodable {
            let key, iv, aad, pt, ct, tag: Hex
        }

        let aes_256_gcm: [Case]
    }

    private struct Group: Decodable {
        struct Case: Decodable {
            let tcId: Int
            let key, iv, aad, msg, ct, tag: Hex
            let result: Verdict
        }

        let keySize: Int
        let ivSize: Int
        let tagSize: Int
        let tests: [Case]
    }

    @Test(arguments: AEADBackend.usable)
    func theVectorsOfTheSpecificationSealToTheirTagsAndOpenAgain(backend: AEADBackend) throws {
        let cases = try VectorFile.load(KnownAnswers.self, from: "kat-vectors.json").aes_256_gcm
        #expect(cases.count == 4)
        for known in cases {
            let cipher = try AES256GCM(key: known.key.secret, backend: backend)
            let nonce = Nonce96(iv: known.iv.bytes)
            let sealed = try #require(cipher.seal(known.pt.bytes, header: known.aad.bytes, nonce: nonce))
            #expect(sealed == SealedText(text: known.ct.bytes, tag: known.tag.bytes))
            let opened = cipher.open(sealed, header: known.aad.bytes, nonce: nonce)
            #expect(opened.accepted)
            #expect(opened.buffer == known.pt.bytes)
        }
    }

    @Test(arguments: AEADBackend.usable)
    func everyWycheproofCaseForThisInterfaceHasItsVerdict(backend: AEADBackend) throws {
        let file = try VectorFile.load(Wycheproof<Group>.self, from: "wycheproof/aes_gcm_test.json")
        var valid = 0
        var invalid = 0
        var refusedKeys = 0
        var otherNonces = 0
        for group in file.testGroups {
            #expect(group.tagSize == 128)
            for test in group.tests {
                if group.keySize != 256 {
                    // libcrypto supports AES-128 and AES-192; this interface must reject their keys.
                    #expect(throws: CryptoFailure.self) {
                        try AES256GCM(key: test.key.secret, backend: backend)
                    }
                    refusedKeys += 1
                } else if group.ivSize != 96 {
                    // `Nonce96` cannot express a nonce of another length.
                    #expect(test.iv.bytes.count != Nonce96.count)
                    otherNonces += 1
                } else {
                    try check(test, backend)
                    if test.result == .valid { valid += 1 } else { invalid += 1 }
                }
            }
        }
        #expect(valid == 39)
        #expect(invalid == 27)
        #expect(refusedKeys == 211)
        #expect(otherNonces == 39)
        #expect(valid + invalid + refusedKeys + otherNonces == file.numberOfTests)
    }

    private func check(_ test: Group.Case, _ backend: AEADBackend) throws {
        let cipher = try AES256GCM(key: test.key.secret, backend: backend)
        let nonce = Nonce96(iv: test.iv.bytes)
        let published = SealedText(text: test.ct.bytes, tag: test.tag.bytes)
        let opened = cipher.open(published, header: test.aad.bytes, nonce: nonce)
        let sealed = try #require(cipher.seal(test.msg.bytes, header: test.aad.bytes, nonce: nonce))
        switch test.result {
        case .valid:
            #expect(opened.accepted, "case \(test.tcId)")
            #expect(opened.buffer == test.msg.bytes, "case \(test.tcId)")
            #expect(sealed == published, "case \(test.tcId)")
        case .invalid, .acceptable:
            #expect(!opened.accepted, "case \(test.tcId)")
            #expect(opened.buffer.allSatisfy { $0 == 0 }, "case \(test.tcId) left text behind")
            #expect(sealed != published, "case \(test.tcId)")
        }
    }
}
