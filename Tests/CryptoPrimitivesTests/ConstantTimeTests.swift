import CryptoPrimitives
import Testing

struct ConstantTimeTests {
    @Test func arraysAreEqualOnlyIfEveryBitIs() {
        let bytes = [UInt8](repeating: 0xFF, count: 64)
        #expect(ConstantTime.areEqual(bytes, bytes))
        for bit in 0..<(64 * 8) {
            var other = bytes
            other[bit / 8] ^= 1 << (bit % 8)
            #expect(!ConstantTime.areEqual(bytes, other), "bit \(bit)")
        }
    }

    @Test func arraysOfDifferentLengthsAreNotEqual() {
        #expect(!ConstantTime.areEqual([1, 2], [1, 2, 3]))
        #expect(!ConstantTime.areEqual([0], []))
        #expect(ConstantTime.areEqual([], []))
    }

    @Test func buffersCompareLikeArrays() {
        let a: [UInt8] = [1, 2, 3, 4]
        a.withUnsafeBytes { whole in
            #expect(ConstantTime.areEqual(whole, whole))
            #expect(!ConstantTime.areEqual(whole, UnsafeRawBufferPointer(rebasing: whole.dropLast())))
            #expect(!ConstantTime.areEqual(UnsafeRawBufferPointer(start: nil, count: 0), whole))
        }
    }
}
