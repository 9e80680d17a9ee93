/// Checks that a library computes AES-256-GCM correctly, before it gets a real key.
///
/// It seals and opens a known answer, tries forgeries, and compares the library with libcrypto on random texts of every length
/// that an implementation may treat specially. It takes a few milliseconds.
struct AEADSelfTest {
    private let backend: AEADBackend

    init(_ backend: AEADBackend) {
        self.backend = backend
    }

    /// Lengths at which implementations change their code path: around blocks, groups of blocks, and this protocol's records.
    private static let lengths: [Int] =
        Array(0...272) + [
            319, 320, 511, 512, 513, 767, 768, 769, 1023, 1024, 1025, 4095, 4096, 4097, 16384, 65533, 65535,
        ]
    /// Lengths of headers, which take another code path than texts.
    private static let headerLengths = [0, 1, 4, 12, 13, 16, 17, 63, 255, 256, 257, 1025]

    /// Runs all checks.
    ///
    /// - Throws: ``CryptoFailure`` that names the check that failed.
    func run() throws(CryptoFailure) {
        try checkKnownAnswers()
        let key = try SystemRandom.secretBytes(count: AES256GCM.keyCount)
        let tested = try AES256GCM(key: key, backend: backend)
        let known = try AES256GCM(key: key, backend: .libcrypto)
        let bytes = try SystemRandom.bytes(count: 65536)
        for (number, length) in Self.lengths.enumerated() {
            // Begin at different offsets, so that the text has every alignment.
            let text = Array(bytes.dropFirst(number % 61).prefix(length))
            let header = Array(bytes.suffix(Self.headerLengths[number % Self.headerLengths.count]))
            let nonce = Nonce96(iv: Array(bytes.prefix(Nonce96.count))).combined(with: UInt64(number))
            try check(tested, isLike: known, text, header, nonce)
            try checkForgeries(tested, text, header, nonce)
        }
        guard !tested.hasOverrun else { throw failure("it writes behind its memory") }
    }

    /// Checks test case 16 of the specification, in both directions.
    private func checkKnownAnswers() throws(CryptoFailure) {
        let key = Self.bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
        let nonce = Nonce96(iv: Self.bytes("cafebabefacedbaddecaf888"))
        let header = Self.bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2")
        let text = Self.bytes(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
        )
        let sealed = SealedText(
            text: Self.bytes(
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                    + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
            ),
            tag: Self.bytes("76fc6ece0f4e1768cddf8853bb2d551b")
        )
        let cipher = try AES256GCM(key: SecretBytes(key), backend: backend)
        guard cipher.seal(text, header: header, nonce: nonce) == sealed else {
            throw failure("the known answer is not sealed to what it must be")
        }
        guard cipher.open(sealed, header: header, nonce: nonce) == (true, text) else {
            throw failure("the known answer is not opened")
        }
    }

    private func check(
        _ tested: AES256GCM,
        isLike known: AES256GCM,
        _ text: [UInt8],
        _ header: [UInt8],
        _ nonce: Nonce96
    ) throws(CryptoFailure) {
        guard let sealed = known.seal(text, header: header, nonce: nonce),
            let tagged = known.authenticate(text, header: header, nonce: nonce)
        else { throw failure("libcrypto refuses") }
        guard tested.seal(text, header: header, nonce: nonce) == sealed else {
            throw failure("\(text.count) bytes are not sealed as by libcrypto")
        }
        guard tested.open(sealed, header: header, nonce: nonce) == (true, text) else {
            throw failure("\(text.count) bytes are not opened")
        }
        guard tested.authenticate(text, header: header, nonce: nonce) == tagged,
            tested.verify(tagged, header: header, nonce: nonce)
        else { throw failure("\(text.count) readable bytes are not authenticated as by libcrypto") }
    }

    private func checkForgeries(
        _ tested: AES256GCM,
        _ text: [UInt8],
        _ header: [UInt8],
        _ nonce: Nonce96
    ) throws(CryptoFailure) {
        guard let sealed = tested.seal(text, header: header, nonce: nonce),
            let tagged = tested.authenticate(text, header: header, nonce: nonce)
        else { throw failure("it refuses") }
        for place in [0, text.count % 16, 15] {
            var forged = sealed
            forged.tag[place] ^= 1 << (place % 8)
            let (isTaken, rest) = tested.open(forged, header: header, nonce: nonce)
            guard !isTaken else { throw failure("a forged tag is taken") }
            guard rest.allSatisfy({ $0 == 0 }) else { throw failure("the text of a forgery can be read") }
            forged = tagged
            forged.tag[place] ^= 1 << (place % 8)
            guard !tested.verify(forged, header: header, nonce: nonce) else {
                throw failure("a forged tag is taken")
            }
        }
        if let place = text.indices.last {
            var forged = sealed
            forged.text[place] ^= 0x80
            guard !tested.open(forged, header: header, nonce: nonce).accepted else {
                throw failure("a forged text is taken")
            }
        }
        if let place = header.indices.last {
            var forged = header
            forged[place] ^= 0x80
            guard !tested.open(sealed, header: forged, nonce: nonce).accepted else {
                throw failure("a forged header is taken")
            }
        }
    }

    private func failure(_ what: String) -> CryptoFailure {
        CryptoFailure(operation: backend.description, reason: "its self-test failed: \(what)")
    }

    private static func bytes(_ digits: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = digits.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }[...]
        while let high = rest.popFirst(), let low = rest.popFirst() { bytes.append(UInt8(high << 4 | low)) }
        return bytes
    }
}
