import CryptoPrimitives
import Testing

/// A programming error ends the process at once; the process does not continue with a wrong value.
struct MisuseTests {
    @Test func aNonceOfTheWrongLengthEndsTheProcess() async {
        await #expect(processExitsWith: .failure) { _ = Nonce96(iv: [UInt8](repeating: 0, count: 11)) }
        await #expect(processExitsWith: .failure) { _ = Nonce96(iv: [UInt8](repeating: 0, count: 13)) }
    }

    @Test func aSliceBeyondItsSecretEndsTheProcess() async {
        await #expect(processExitsWith: .failure) { _ = SecretBytes([1, 2, 3]).slice(1..<4) }
        await #expect(processExitsWith: .failure) { _ = SecretBytes([1, 2, 3]).slice(-1..<2) }
    }

    @Test func aConstantThatIsNoPointEndsTheProcess() async {
        // The smallest x coordinate without a point on the curve.
        await #expect(processExitsWith: .failure) {
            _ = P521.Point(compressedConstant: [2] + [UInt8](repeating: 0, count: 65) + [3])
        }
        await #expect(processExitsWith: .failure) {
            _ = P521.Point(compressedConstant: [4] + [UInt8](repeating: 0, count: 132))
        }
    }
}
