/// The nonce of AES-GCM, made from a fixed value and a counter without allocating memory.
///
/// It combines both by exclusive or, as in RFC 8446, section 5.3: the counter, as 64 bits big-endian, is applied to the last
/// eight bytes. If no pair of value and counter repeats under one key, no nonce repeats either.
package struct Nonce96: BitwiseCopyable, Sendable {
    /// The length of a nonce, in bytes.
    package static let count = 12

    // Three words in memory order: 12 bytes without padding. A UInt32 beside a UInt64 would be padded.
    private var words: (UInt32, UInt32, UInt32)

    /// Uses the 12 bytes of a secret as the fixed value.
    ///
    /// - Parameter iv: Exactly 12 bytes; another length is a programming error.
    package init(iv: SecretBytes) {
        self = iv.withUnsafeBytes { Nonce96(iv: $0) }
    }

    /// Uses 12 bytes as the fixed value.
    ///
    /// - Parameter iv: Exactly 12 bytes; another length is a programming error.
    package init(iv: [UInt8]) {
        self = iv.withUnsafeBytes { Nonce96(iv: $0) }
    }

    /// Uses 12 bytes as the fixed value.
    ///
    /// - Parameter iv: Exactly 12 bytes; another length is a programming error.
    package init(iv: UnsafeRawBufferPointer) {
        precondition(iv.count == Self.count, "a nonce has 12 bytes")
        words = (
            iv.loadUnaligned(fromByteOffset: 0, as: UInt32.self),
            iv.loadUnaligned(fromByteOffset: 4, as: UInt32.self),
            iv.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
        )
    }

    /// The nonce for one position in a sequence: these bytes XOR (four zero bytes, then `sequence`).
    package func combined(with sequence: UInt64) -> Nonce96 {
        var nonce = self
        nonce.words.1 ^= UInt32(truncatingIfNeeded: sequence >> 32).bigEndian
        nonce.words.2 ^= UInt32(truncatingIfNeeded: sequence).bigEndian
        return nonce
    }

    /// Calls `body` with the 12 bytes; the pointer is valid until `body` returns.
    package func withUnsafeBytes<R, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try Swift.withUnsafeBytes(of: words, body)
    }
}

extension Nonce96: CustomStringConvertible, CustomReflectable {
    /// Only the type's name, because the fixed part is derived together with the key.
    package var description: String { "Nonce96" }

    /// Empty, so that a dump does not show the bytes either.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
