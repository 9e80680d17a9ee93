import CryptoPrimitives

/// Every byte of the handshake's messages, in the order of the wire.
///
/// Both ends derive everything from it, so a change of one byte changes every key. The messages together are at most some 6 KiB
/// and short-lived, so the transcript stores them as they are.
struct Transcript: Sendable {
    private var bytes: [UInt8] = []

    /// The beginning of the context of RFC 9383.
    private static let label = Array("sally1 spake2+ P521-SHA512-HKDF-SHA512-HMAC-SHA512\0".utf8)

    /// Adds a whole message, or a server's hello without its confirmation.
    mutating func add(_ message: some Sequence<UInt8>) {
        bytes.append(contentsOf: message)
    }

    /// The hash of everything that was added.
    var hash: [UInt8] { Digest.sha512(bytes) }

    /// The context for the exchange.
    ///
    /// The caller reads it when the server's hello has been added up to its confirmation.
    var context: [UInt8] { Self.label + hash }
}
