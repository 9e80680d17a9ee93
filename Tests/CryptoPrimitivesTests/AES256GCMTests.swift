import CryptoPrimitives
import Testing

/// The guarantees for a caller, beyond the published test vectors.
struct AES256GCMTests {
    private let key = SecretBytes([UInt8](0..<32))
    private let nonce = Nonce96(iv: [UInt8](100..<112))
    private let header: [UInt8] = [0xD1, 0, 0, 0x50]
    private let plaintext = [UInt8](
        "sixty-four bytes of text, so that four blocks of it are encrypted".utf8.prefix(64)
    )

    @Test(arguments: [0, 1, 16, 24, 31, 33, 64], AEADBackend.usable)
    func aKeyOfTheWrongLengthIsRefused(count: Int, backend: AEADBackend) throws {
        let wrong = SecretBytes([UInt8](repeating: 7, count: count))
        let expected = CryptoFailure(operation: "AES-256-GCM key", reason: "\(count) bytes instead of 32")
        #expect(throws: expected) { try AES256GCM(key: wrong, backend: backend) }

        let cipher = try AES256GCM(key: key, backend: backend)
        let before = cipher.seal(plaintext, header: header, nonce: nonce)
        #expect(throws: expected) { try cipher.replaceKey(wrong) }
        #expect(cipher.seal(plaintext, header: header, nonce: nonce) == before)
    }

    @Test(arguments: AEADBackend.usable)
    func aTagWithAnyBitFlippedIsRefusedAndTheTextIsCleansed(backend: AEADBackend) throws {
        let cipher = try AES256GCM(key: key, backend: backend)
        let sealed = try #require(cipher.seal(plaintext, header: header, nonce: nonce))
        for bit in 0..<128 {
            var forged = sealed
            forged.tag[bit / 8] ^= 1 << (bit % 8)
            let opened = cipher.open(forged, header: header, nonce: nonce)
            #expect(!opened.accepted, "tag bit \(bit)")
            #expect(opened.buffer == [UInt8](repeating: 0, count: 64), "tag bit \(bit)")
        }
        #expect(cipher.open(sealed, header: header, nonce: nonce).buffer == plaintext)
    }

    @Test(arguments: AEADBackend.usable)
    func aTextWithAnyBitFlippedIsRefusedAndCleansed(backend: AEADBackend) throws {
        let cipher = try AES256GCM(key: key, backend: backend)
        let sealed = try #require(cipher.seal(plaintext, header: header, nonce: nonce))
        for bit in 0..<(64 * 8) {
            var forged = sealed
            forged.text[bit / 8] ^= 1 << (bit % 8)
            let opened = cipher.open(forged, header: header, nonce: nonce)
            #expect(!opened.accepted, "text bit \(bit)")
            #expect(opened.buffer == [UInt8](repeating: 0, count: 64), "text bit \(bit)")
        }
    }

    @Test(arguments: AEADBackend.usable)
    func aHeaderWithAnyBitFlippedIsRefused(backend: AEADBackend) throws {
        let cipher = try AES256GCM(key: key, backend: backend)
        let sealed = try #require(cipher.seal(plaintext, header: header, nonce: nonce))
        for bit in 0..<32 {
            var forged = header
            forged[bit / 8] ^= 1 << (bit % 8)
            #expect(!cipher.open(sealed, header: forged, nonce: nonce).accepted, "header bit \(bit)")
        }
        #expect(!cipher.open(sealed, header: [], nonce: nonce).accepted)
        #expect(!cipher.open(sealed, header: header + [0], nonce: nonce).accepted)
    }

    @Test(arguments: AEADBackend.usable)
    func anotherNonceOrAnotherKeyIsRefused(backend: AEADBackend) throws {
        let cipher = try AES256GCM(key: key, backend: backend)
        let sealed = try #require(cipher.seal(plaintext, header: header, nonce: nonce))
        #expect(!cipher.open(sealed, header: header, nonce: nonce.combined(with: 1)).accepted)
        try cipher.replaceKey(SecretBytes([UInt8](1...32)))
        #expect(!cipher.open(sealed, header: header, nonce: nonce).accepted)
    }

    @Test(arguments: AEADBackend.usable)
    func aReplacedKeyWorksLikeAFreshOne(backend: AEADBackend) throws {
        let cipher = try AES256GCM(key: key, backend: backend)
        for generation in UInt8(0)..<50 {
            let next = SecretBytes([UInt8](repeating: generation, count: 32))
            try cipher.replaceKey(next)
            let fresh = try AES256GCM(key: next, backend: backend)
            let sealed = try #require(cipher.seal(plaintext, header: header, nonce: nonce))
            #expect(fresh.seal(plaintext, header: header, nonce: nonce) == sealed)
            #expect(fresh.open(sealed, header: header, nonce: nonce).buffer == plaintext)
            #expect(cipher.open(sealed, header: header, nonce: nonce).buffer == plaintext)
        }
    }

    @Test(arguments: AEADBackend.usable)
    func aContextSealsLikeAFreshOneAfter100000Seals(backend: AEADBackend) throws {
        let used = try AES256GCM(key: key, backend: backend)
        var compared = 0
        for sequence in UInt64(0)..<100_000 {
            let nonce = nonce.combined(with: sequence)
            let text = [UInt8](repeating: UInt8(truncatingIfNeeded: sequence), count: Int(sequence % 97))
            let header = [UInt8](repeating: 3, count: Int(sequence % 9))
            let sealed = try #require(used.seal(text, header: header, nonce: nonce))
            // Between two seals the same context opens, rejects and authenticates texts, as in a busy process.
            switch sequence % 4 {
            case 0: #expect(used.open(sealed, header: header, nonce: nonce).buffer == text)
            case 1: #expect(!used.open(sealed, header: header + [1], nonce: nonce).accepted)
            case 2: _ = used.authenticate(text, header: header, nonce: nonce)
            default: break
            }
            guard sequence % 499 == 0 else { continue }
            let fresh = try AES256GCM(key: key, backend: backend)
            #expect(fresh.seal(text, header: header, nonce: nonce) == sealed, "seal \(sequence)")
            compared += 1
        }
        #expect(compared == 201)
    }

    @Test(arguments: [0, 1, 15, 16, 17, 4096, 65_536], AEADBackend.usable)
    func aTextOfAnyLengthOpensToItself(count: Int, backend: AEADBackend) throws {
        let cipher = try AES256GCM(key: key, backend: backend)
        let text = [UInt8]((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        for header in [[], self.header] {
            let sealed = try #require(cipher.seal(text, header: header, nonce: nonce))
            #expect(sealed.text.count == count)
            let opened = cipher.open(sealed, header: header, nonce: nonce)
            #expect(opened.accepted)
            #expect(opened.buffer == text)
        }
    }

    @Test(arguments: AEADBackend.usable)
    func aTextAboveTheLimitIsRefusedAndCleansed(backend: AEADBackend) throws {
        let cipher = try AES256GCM(key: key, backend: backend)
        let count = AES256GCM.maxText + 1
        let text = UnsafeMutableRawBufferPointer.allocate(
            byteCount: count + AES256GCM.tagCount,
            alignment: 16
        )
        defer { text.deallocate() }
        let tag = try #require(text.baseAddress) + count
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let tooLong = UnsafeMutableRawBufferPointer(rebasing: text[..<count])

        text.initializeMemory(as: UInt8.self, repeating: 9)
        #expect(!cipher.seal(tooLong, header: none, nonce: nonce, tag: tag))
        #expect(tooLong.allSatisfy { $0 == 0 })
        text.initializeMemory(as: UInt8.self, repeating: 9)
        #expect(!cipher.open(tooLong, header: none, nonce: nonce, tag: tag))
        #expect(tooLong.allSatisfy { $0 == 0 })
        text.initializeMemory(as: UInt8.self, repeating: 9)
        #expect(!cipher.authenticate(UnsafeRawBufferPointer(tooLong), header: none, nonce: nonce, tag: tag))
        #expect(!cipher.verify(UnsafeRawBufferPointer(tooLong), header: none, nonce: nonce, tag: tag))
        #expect(tooLong.allSatisfy { $0 == 9 })

        let longest = UnsafeMutableRawBufferPointer(rebasing: text[..<AES256GCM.maxText])
        #expect(cipher.seal(longest, header: none, nonce: nonce, tag: tag))
        #expect(cipher.open(longest, header: none, nonce: nonce, tag: tag))
        #expect(longest.allSatisfy { $0 == 9 })
    }

    @Test(arguments: AEADBackend.usable)
    func authenticatingLeavesTheTextReadable(backend: AEADBackend) throws {
        let cipher = try AES256GCM(key: key, backend: backend)
        let authentic = try #require(cipher.authenticate(plaintext, header: header, nonce: nonce))
        #expect(authentic.text == plaintext)
        #expect(cipher.verify(authentic, header: header, nonce: nonce))
        // Sealing an empty text with all bytes as the header gives the same tag: GMAC is GCM without a text.
        let whole = try #require(cipher.seal([], header: header + plaintext, nonce: nonce))
        #expect(whole.tag == authentic.tag)
    }

    @Test(arguments: AEADBackend.usable)
    func anAuthenticatedTextWithAnyBitFlippedIsRefused(backend: AEADBackend) throws {
        let cipher = try AES256GCM(key: key, backend: backend)
        let authentic = try #require(cipher.authenticate(plaintext, header: header, nonce: nonce))
        for bit in 0..<(64 * 8) {
            var forged = authentic
            forged.text[bit / 8] ^= 1 << (bit % 8)
            #expect(!cipher.verify(forged, header: header, nonce: nonce), "text bit \(bit)")
        }
        for bit in 0..<128 {
            var forged = authentic
            forged.tag[bit / 8] ^= 1 << (bit % 8)
            #expect(!cipher.verify(forged, header: header, nonce: nonce), "tag bit \(bit)")
        }
        #expect(!cipher.verify(authentic, header: [0xD1, 0, 0, 0x51], nonce: nonce))
        #expect(!cipher.verify(authentic, header: header, nonce: nonce.combined(with: 1)))
        #expect(cipher.verify(authentic, header: header, nonce: nonce))
    }

    @Test(arguments: AEADBackend.usable)
    func aSealedTextIsNotAcceptedAsAnAuthenticatedOne(backend: AEADBackend) throws {
        let cipher = try AES256GCM(key: key, backend: backend)
        let sealed = try #require(cipher.seal(plaintext, header: header, nonce: nonce))
        #expect(!cipher.verify(sealed, header: header, nonce: nonce))
        let authentic = try #require(cipher.authenticate(plaintext, header: header, nonce: nonce))
        #expect(!cipher.open(authentic, header: header, nonce: nonce).accepted)
    }
}
