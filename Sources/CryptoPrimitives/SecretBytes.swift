import COpenSSL

/// Key memory: written once, never changed, cleansed when the last reference goes, and never printed.
///
/// The bytes live in libcrypto's secure heap, which is locked into memory and guarded where the system allows
/// it, and in ordinary memory when that heap is full. A class, so that handing a secret on never copies it.
///
/// `@unchecked Sendable` because the bytes are immutable once `init` has returned: threads can only read
/// them.
package final class SecretBytes: @unchecked Sendable {
    /// How many bytes there are.
    package let count: Int

    private let start: UnsafeMutableRawPointer

    /// Makes a secret of `count` bytes, zeroed, and lets `body` fill it before anybody else can see it.
    ///
    /// - Parameters:
    ///   - count: The number of bytes; zero is allowed.
    ///   - body: Writes the bytes. When it throws, what it wrote is cleansed.
    /// - Throws: What `body` throws.
    package init<E>(
        count: Int,
        filledBy body: (UnsafeMutableRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        precondition(count >= 0, "a secret cannot have a negative length")
        guard let start = sly_secret_new(count) else { CryptoFailure.trap("allocating a secret") }
        do throws(E) {
            try body(UnsafeMutableRawBufferPointer(start: start, count: count))
        } catch {
            sly_secret_free(start, count)
            throw error
        }
        self.count = count
        self.start = start
    }

    /// Copies the bytes of a buffer; cleansing the original is the caller's business.
    package convenience init(copying bytes: UnsafeRawBufferPointer) {
        self.init(count: bytes.count) { $0.copyMemory(from: bytes) }
    }

    /// Copies the bytes of an array, which stays in ordinary memory and is not cleansed.
    ///
    /// Right for values that are not secret themselves and for tests; a real secret is better read or made in
    /// place.
    package convenience init(_ bytes: [UInt8]) {
        self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    /// Cleanses an array that held a secret for want of a better place.
    ///
    /// Nobody else may hold the array then: it would be a copy that is cleansed.
    package static func wipe(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
    }

    deinit { sly_secret_free(start, count) }

    /// Lends the bytes to `body`; the pointer is valid until `body` returns.
    package func withUnsafeBytes<R, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Copies a part of the bytes into a secret of its own.
    ///
    /// - Parameter range: Offsets within `0..<count`; anything else is a programming error.
    /// - Returns: The copy, with the offsets starting at zero again.
    package func slice(_ range: Range<Int>) -> SecretBytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "a slice lies within its secret")
        let part = UnsafeRawBufferPointer(start: start + range.lowerBound, count: range.count)
        return SecretBytes(copying: part)
    }

    /// Whether both hold the same bytes, in a time that depends on the lengths only.
    package func isEqual(to other: SecretBytes) -> Bool {
        withUnsafeBytes { mine in other.withUnsafeBytes { ConstantTime.areEqual(mine, $0) } }
    }
}
