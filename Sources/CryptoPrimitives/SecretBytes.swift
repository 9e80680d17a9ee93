import COpenSSL

/// Key memory: written once, never changed, never printed, and cleansed when the last reference is released.
///
/// The bytes are in libcrypto's secure heap, which is locked into memory and guarded where the system allows it. When that heap
/// is full, they are in ordinary memory. The type is a class, so that passing a secret on never copies it.
///
/// `@unchecked Sendable` because the bytes are immutable once `init` has returned: threads can only read
/// them.
package final class SecretBytes: @unchecked Sendable {
    /// The number of bytes.
    package let count: Int

    private let start: UnsafeMutableRawPointer

    /// Creates a secret of `count` zero bytes, and lets `body` fill it before any other code can see it.
    ///
    /// - Parameters:
    ///   - count: The number of bytes; zero is allowed.
    ///   - body: Writes the bytes. If it throws, the bytes that it wrote are cleansed.
    /// - Throws: The error that `body` throws.
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

    /// Copies the bytes of a buffer; the caller is responsible for cleansing the original.
    package convenience init(copying bytes: UnsafeRawBufferPointer) {
        self.init(count: bytes.count) { $0.copyMemory(from: bytes) }
    }

    /// Copies the bytes of an array, which stays in ordinary memory and is not cleansed.
    ///
    /// Use it for tests and for values that are not secret themselves; read or create a real secret in place
    /// instead.
    package convenience init(_ bytes: [UInt8]) {
        self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    /// Cleanses an array that contains a secret because there was no better place for it.
    ///
    /// The caller must hold the only reference to the array: otherwise Swift copies it, and the copy is cleansed.
    package static func wipe(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
    }

    deinit { sly_secret_free(start, count) }

    /// Calls `body` with the bytes; the pointer is valid until `body` returns.
    package func withUnsafeBytes<R, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Copies a part of the bytes into a new secret.
    ///
    /// - Parameter range: Offsets within `0..<count`; anything else is a programming error.
    /// - Returns: The copy, whose offsets start at zero again.
    package func slice(_ range: Range<Int>) -> SecretBytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "a slice lies within its secret")
        let part = UnsafeRawBufferPointer(start: start + range.lowerBound, count: range.count)
        return SecretBytes(copying: part)
    }

    /// Whether both contain the same bytes, in a time that depends only on the lengths.
    package func isEqual(to other: SecretBytes) -> Bool {
        withUnsafeBytes { mine in other.withUnsafeBytes { ConstantTime.areEqual(mine, $0) } }
    }
}
