import CryptoPrimitives

/// Every byte of the handshake's messages in the order of the wire, from which both ends derive everything: who
/// changes one byte changes every key.
///
/// The messages together are at most some 6 KiB and short-lived, so they are kept as they are.
struct Transcript: Sendable {
    private var bytes: [UInt8] = []

    /// What the context of RFC 9383 begins with.
    private static let label = Array("sally1 spake2+ P521-SHA512-HKDF-SHA512-HMAC-SHA512\0".utf8)

    /// Adds a whole message, or a server's hello without its confirmation.
    mutating func add(_ message: some Sequence<UInt8>) {
        bytes.append(contentsOf: message)
    }

    /// The hash of all that was added.
    var hash: [UInt8] { Digest.sha512(bytes) }

    /// The context that goes into the exchange: asked for when the server's hello has been added up to its
    /// confirmation.
    var context: [UInt8] { Self.label + hash }
}
