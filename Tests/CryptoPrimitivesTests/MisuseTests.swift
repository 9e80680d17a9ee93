import CryptoPrimitives
import Testing

/// Mistakes of the program itself stop it at once instead of going on with a wrong value.
struct MisuseTests {
    @Test func aNonceOfAnotherLengthStopsTheProcess() async {
        await #expect(processExitsWith: .failure) { _ = Nonce96(iv: [UInt8](repeating: 0, count: 11)) }
        await #expect(processExitsWith: .failure) { _ = Nonce96(iv: [UInt8](repeating: 0, count: 13)) }
    }

    @Test func aSliceBeyondItsSecretStopsTheProcess() async {
        await #expect(processExitsWith: .failure) { _ = SecretBytes([1, 2, 3]).slice(1..<4) }
        await #expect(processExitsWith: .failure) { _ = SecretBytes([1, 2, 3]).slice(-1..<2) }
    }

    @Test func aConstantThatIsNoPointStopsTheProcess() async {
        // The smallest x without a point.
        await #expect(processExitsWith: .failure) {
            _ = P521.Point(compressedConstant: [2] + [UInt8](repeating: 0, count: 65) + [3])
        }
        await #expect(processExitsWith: .failure) {
            _ = P521.Point(compressedConstant: [4] + [UInt8](repeating: 0, count: 132))
        }
    }
}
