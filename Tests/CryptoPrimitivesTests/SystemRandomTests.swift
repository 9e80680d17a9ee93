import CryptoPrimitives
import Testing

struct SystemRandomTests {
    @Test func twoDrawsAreNeverTheSame() throws {
        var public32: Set<[UInt8]> = []
        var secret32: Set<[UInt8]> = []
        for _ in 0..<1000 {
            public32.insert(try SystemRandom.bytes(count: 32))
            secret32.insert(try SystemRandom.secretBytes(count: 32).exposed)
        }
        #expect(public32.count == 1000)
        #expect(secret32.count == 1000)
        #expect(public32.isDisjoint(with: secret32))
    }

    @Test func everyByteOfTheBufferIsFilled() throws {
        // The probability that a written byte is zero in all 64 draws is 2^-512.
        var seen = [UInt8](repeating: 0, count: 257)
        for _ in 0..<64 {
            var drawn = [UInt8](repeating: 0, count: seen.count)
            try drawn.withUnsafeMutableBytes { try SystemRandom.fill($0) }
            for index in seen.indices { seen[index] |= drawn[index] }
        }
        #expect(!seen.contains(0))
    }

    @Test func zeroBytesAreAllowedAndANegativeCountIsNot() throws {
        #expect(try SystemRandom.bytes(count: 0).isEmpty)
        #expect(try SystemRandom.secretBytes(count: 0).count == 0)
        #expect(throws: CryptoFailure.self) { try SystemRandom.bytes(count: -1) }
        #expect(throws: CryptoFailure.self) { try SystemRandom.bytes(count: Int(Int32.max) + 1) }
    }
}
