import CryptoPrimitives
import Testing

/// SHA-2 against the examples that NIST publishes with FIPS 180-4.
struct DigestTests {
    private static let abc = [UInt8]("abc".utf8)

    private static let emptySHA512: Hex =
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"

    private static let abcSHA512: Hex =
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

    private static let millionSHA512: Hex =
        "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"

    private static let emptySHA256: Hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    private static let abcSHA256: Hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    private static let millionSHA256: Hex = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

    @Test func theExamplesOfTheStandardHashToTheirDigests() {
        #expect(Digest.sha512() == Self.emptySHA512.bytes)
        #expect(Digest.sha512([]) == Self.emptySHA512.bytes)
        #expect(Digest.sha512(Self.abc) == Self.abcSHA512.bytes)
        #expect(Digest.sha256() == Self.emptySHA256.bytes)
        #expect(Digest.sha256(Self.abc) == Self.abcSHA256.bytes)
        Self.abc.withUnsafeBytes {
            #expect(Digest.sha512($0) == Self.abcSHA512.bytes)
            #expect(Digest.sha256($0) == Self.abcSHA256.bytes)
        }
    }

    @Test func partsHashLikeTheirConcatenation() {
        #expect(Digest.sha512([0x61], [], [0x62, 0x63]) == Self.abcSHA512.bytes)
        #expect(Digest.sha256([0x61], [], [0x62, 0x63]) == Self.abcSHA256.bytes)
    }

    @Test(arguments: [1, 63, 64, 127, 128, 1000, 1_000_000])
    func aMillionLettersHashTheSameInChunksOfAnySize(chunk: Int) {
        let letters = [UInt8](repeating: 0x61, count: chunk)
        var sha512 = DigestContext(.sha512)
        var sha256 = DigestContext(.sha256)
        var left = 1_000_000
        while left > 0 {
            letters.withUnsafeBytes { whole in
                let piece = UnsafeRawBufferPointer(rebasing: whole.prefix(left))
                sha512.update(piece)
                sha256.update(piece)
                left -= piece.count
            }
        }
        #expect(sha512.finalize() == Self.millionSHA512.bytes)
        #expect(sha256.finalize() == Self.millionSHA256.bytes)
    }

    @Test func aDigestHasTheLengthOfItsFunction() {
        #expect(HashFunction.sha256.digestCount == Digest.sha256().count)
        #expect(HashFunction.sha512.digestCount == Digest.sha512().count)
    }
}
