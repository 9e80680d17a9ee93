import COpenSSL

/// Comparisons whose duration does not depend on where the difference is.
///
/// An early exit would tell an attacker how many leading bytes were right. Lengths are public everywhere here.
package enum ConstantTime {
    /// Whether both buffers contain the same bytes; buffers of different length are different.
    package static func areEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        guard a.count == b.count else { return false }
        guard let first = a.baseAddress, let second = b.baseAddress else { return true }
        return CRYPTO_memcmp(first, second, a.count) == 0
    }

    /// Whether both arrays contain the same bytes; arrays of different length are different.
    package static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.withUnsafeBytes { a in b.withUnsafeBytes { areEqual(a, $0) } }
    }

    /// Whether `a`, read as a big-endian number, is above zero and below `limit`, which has the same length.
    ///
    /// It subtracts all bytes and looks only at the last borrow.
    static func isPositive(_ a: UnsafeRawBufferPointer, below limit: [UInt8]) -> Bool {
        precondition(a.count == limit.count, "numbers are compared at one width")
        var anyBit: UInt8 = 0
        var borrow: Int = 0
        for index in a.indices.reversed() {
            anyBit |= a[index]
            borrow = ((Int(a[index]) - Int(limit[index]) - borrow) >> 8) & 1
        }
        return anyBit != 0 && borrow == 1
    }
}
