import CryptoPrimitives
import Testing

struct Nonce96Tests {
    private let iv: [UInt8] = [0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B]

    private func bytes(_ nonce: Nonce96) -> [UInt8] {
        nonce.withUnsafeBytes { [UInt8]($0) }
    }

    @Test func theSequenceNumberIsXORedIntoTheLastEightBytes() {
        let nonce = Nonce96(iv: iv)
        #expect(bytes(nonce.combined(with: 0)) == iv)
        #expect(
            bytes(nonce.combined(with: 0x0102_0304_0506_0708))
                == [0x10, 0x11, 0x12, 0x13, 0x15, 0x17, 0x15, 0x13, 0x1D, 0x1F, 0x1D, 0x13]
        )
        #expect(
            bytes(nonce.combined(with: .max))
                == [0x10, 0x11, 0x12, 0x13, 0xEB, 0xEA, 0xE9, 0xE8, 0xE7, 0xE6, 0xE5, 0xE4]
        )
        #expect(bytes(nonce.combined(with: 1)) == iv.dropLast() + [0x1A])
    }

    @Test func combiningAlwaysStartsFromTheFixedValue() {
        let nonce = Nonce96(iv: iv)
        #expect(bytes(nonce.combined(with: 7).combined(with: 7)) == iv)
        #expect(bytes(nonce) == iv)
    }

    @Test func consecutiveSequenceNumbersHaveDifferentNonces() {
        let nonce = Nonce96(iv: iv)
        let around = [UInt64(0), 255, 65_535, UInt64(UInt32.max), UInt64.max - 1].flatMap { [$0, $0 + 1] }
        #expect(Set(around.map { bytes(nonce.combined(with: $0)) }).count == Set(around).count)
    }

    @Test func aSecretAndAnArrayMakeTheSameNonce() {
        #expect(bytes(Nonce96(iv: SecretBytes(iv))) == iv)
        #expect(MemoryLayout<Nonce96>.size == Nonce96.count)
    }

    @Test func printingANonceShowsNoByteOfIt() {
        var dumped = ""
        dump(Nonce96(iv: iv), to: &dumped)
        #expect("\(Nonce96(iv: iv))" == "Nonce96")
        #expect(String(reflecting: Nonce96(iv: iv)) == "Nonce96")
        #expect(!dumped.contains("words"))
    }
}
