/// The nonce of AES-GCM, made from a fixed value and a counter without allocating anything.
///
/// Both are exclusive-ored as in RFC 8446, section 5.3: the counter, as 64 bits big-endian, over the last
/// eight bytes. A value and a counter that never repeats under one key make nonces that never repeat.
package struct Nonce96: BitwiseCopyable, Sendable {
    /// How many bytes a nonce has.
    package static let count = 12

    // Three words in memory order: 12 bytes without padding, which a UInt32 beside a UInt64 would not be.
    private var words: (UInt32, UInt32, UInt32)

    /// Takes the 12 bytes of a secret as they are.
    ///
    /// - Parameter iv: Exactly 12 bytes; another length is a programming error.
    package init(iv: SecretBytes) {
        self = iv.withUnsafeBytes { Nonce96(iv: $0) }
    }

    /// Takes 12 bytes as they are.
    ///
    /// - Parameter iv: Exactly 12 bytes; another length is a programming error.
    package init(iv: [UInt8]) {
        self = iv.withUnsafeBytes { Nonce96(iv: $0) }
    }

    /// Takes 12 bytes as they are.
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

    /// The nonce for one place in a sequence: these bytes XOR (four zero bytes, then `sequence`).
    package func combined(with sequence: UInt64) -> Nonce96 {
        var nonce = self
        nonce.words.1 ^= UInt32(truncatingIfNeeded: sequence >> 32).bigEndian
        nonce.words.2 ^= UInt32(truncatingIfNeeded: sequence).bigEndian
        return nonce
    }

    /// Lends the 12 bytes to `body`; the pointer is valid until `body` returns.
    package func withUnsafeBytes<R, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try Swift.withUnsafeBytes(of: words, body)
    }
}

extension Nonce96: CustomStringConvertible, CustomReflectable {
    /// The type's name only, because the fixed part is derived beside the key.
    package var description: String { "Nonce96" }

    /// Empty, so that a dump does not show the bytes either.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
