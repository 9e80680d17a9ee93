import CryptoPrimitives
import Foundation
import Synchronization
import Testing

/// Serialized, because one test fills the secure heap whose memory another test reads.
@Suite(.serialized) struct SecretBytesTests {
    private struct Interruption: Error {}

    @Test func secretsAreEqualOnlyIfEveryByteIs() {
        let bytes = [UInt8](0..<64)
        let secret = SecretBytes(bytes)
        #expect(secret.isEqual(to: secret))
        #expect(secret.isEqual(to: SecretBytes(bytes)))
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 0x80
            #expect(!secret.isEqual(to: SecretBytes(other)), "byte \(index)")
        }
        #expect(!secret.isEqual(to: SecretBytes([UInt8](0..<63))))
        #expect(!secret.isEqual(to: SecretBytes([])))
        #expect(SecretBytes([]).isEqual(to: SecretBytes([])))
    }

    @Test func everyInitializerKeepsTheBytes() {
        let bytes = [UInt8](1...66)
        let filled = SecretBytes(count: 66) { buffer in
            #expect(buffer.allSatisfy { $0 == 0 })
            buffer.copyBytes(from: bytes)
        }
        #expect(filled.exposed == bytes)
        #expect(SecretBytes(bytes).exposed == bytes)
        #expect(bytes.withUnsafeBytes { SecretBytes(copying: $0) }.exposed == bytes)
        #expect(filled.count == 66)
        #expect(SecretBytes([]).count == 0)
        #expect(SecretBytes([]).exposed.isEmpty)
    }

    @Test func aSliceIsACopyOfItsRange() {
        let secret = SecretBytes([UInt8](0..<164))
        #expect(secret.slice(0..<82).exposed == [UInt8](0..<82))
        #expect(secret.slice(82..<164).exposed == [UInt8](82..<164))
        #expect(secret.slice(164..<164).count == 0)
        #expect(secret.slice(0..<164).isEqual(to: secret))
    }

    @Test func anErrorWhileFillingIsRethrown() {
        #expect(throws: Interruption.self) {
            try SecretBytes(count: 32) { buffer throws(Interruption) in
                buffer.copyBytes(from: [1, 2, 3])
                throw Interruption()
            }
        }
    }

    @Test func printingASecretShowsNoByteOfIt() {
        let secret = SecretBytes([UInt8](repeating: 0xC7, count: 32))
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped] {
            #expect(!text.contains("199"))
            #expect(!text.lowercased().contains("c7c7"))
        }
    }

    /// A test may read released memory only in the secure heap: its pages stay mapped, and no sanitizer watches them.
    private static let hasSecureHeap = (try? CryptoEnvironment.prepare().secretMemory) != .ordinary

    @Test(.enabled(if: hasSecureHeap)) func aReleasedSecretLeavesNothingBehind() throws {
        let count = 1024
        var address = UInt(0)
        do {
            let secret = SecretBytes([UInt8](repeating: 0xA7, count: count))
            address = secret.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
            let live = try #require(UnsafeRawPointer(bitPattern: address))
            #expect((0..<count).allSatisfy { live.load(fromByteOffset: $0, as: UInt8.self) == 0xA7 })
        }
        let left = try #require(UnsafeRawPointer(bitPattern: address))
        #expect((0..<count).allSatisfy { left.load(fromByteOffset: $0, as: UInt8.self) != 0xA7 })
    }

    @Test func everythingWorksWithAFullSecureHeap() throws {
        // Twice the size of the heap, in pieces of different sizes, which leave it full and fragmented.
        let hoard = (0..<8192).map { SecretBytes([UInt8](repeating: UInt8($0 & 0xFF), count: 32 + $0 % 64)) }
        let scalar = try P521.Scalar(reducing: SecretBytes([UInt8](repeating: 0x5A, count: 82)))
        let product = P521.Point.generator(times: scalar).times(scalar)
        #expect(product.minus(product).isIdentity)
        #expect(try product.encoded().count == P521.pointCount)
        #expect(HMAC.code(key: hoard[0], message: []).count == 64)
        #expect(try HKDF.expand(key: hoard[1], info: [], count: 64).count == 64)
        let cipher = try AES256GCM(key: hoard[0].slice(0..<32))
        #expect(cipher.seal([1], header: [], nonce: Nonce96(iv: [UInt8](0..<12))) != nil)
        for (index, secret) in hoard.enumerated() {
            #expect(secret.exposed.allSatisfy { $0 == UInt8(index & 0xFF) })
        }
    }

    /// Each thread's random generators take their memory from the secure heap and cannot be created without it.
    @Test func newThreadsDrawRandomBytesWithAFullSecureHeap() throws {
        let hoard = (0..<8192).map { _ in SecretBytes([UInt8](repeating: 1, count: 64)) }
        let drawn = Mutex(0)
        let threads = (0..<16).map { _ in
            Thread {
                let scalar = (try? SystemRandom.secretBytes(count: 66)).flatMap(
                    P521.Scalar.init(maskedRandom:)
                )
                let nonce = try? SystemRandom.bytes(count: 12)
                if scalar != nil, nonce != nil { drawn.withLock { $0 += 1 } }
            }
        }
        for thread in threads { thread.start() }
        let deadline = ContinuousClock.now + .seconds(20)
        while threads.contains(where: { !$0.isFinished }), ContinuousClock.now < deadline { sched_yield() }
        #expect(drawn.withLock { $0 } == 16)
        #expect(hoard.count == 8192)
    }
}
