package import CryptoPrimitives
import WireCoding

/// From a shared secret to the keys of both directions (PROTOCOL.md, Key schedule).
package enum KeySchedule {
    /// HKDF-Expand with TLS 1.3's framing of label and context (RFC 8446, section 7.1) and our own prefix.
    package static func expand(
        _ secret: SecretBytes,
        _ label: String,
        _ context: [UInt8] = [],
        count: Int
    ) throws(CryptoFailure) -> SecretBytes {
        let full = "sally1 " + label
        var info: [UInt8] = []
        info.append(bigEndian: UInt16(count))
        info.append(UInt8(full.utf8.count))
        info.append(contentsOf: full.utf8)
        info.append(UInt8(context.count))
        info.append(contentsOf: context)
        return try HKDF.expand(key: secret, info: info, count: count)
    }

    /// The size of every secret that keys are derived from: one SHA-512 digest.
    package static let secretCount = 64
}

/// What a finished handshake leaves: everything a session needs, and nothing of how it came about.
package struct SessionSecrets: Sendable {
    /// From which the client's sending key is made.
    package let client: SecretBytes
    /// From which the server's sending key is made.
    package let server: SecretBytes
    /// Names the session towards the peer; sixteen bytes.
    package let sessionID: SecretBytes
    /// What the client proves the session with on a new link.
    package let resumptionClient: SecretBytes
    /// What the server proves the session with on a new link.
    package let resumptionServer: SecretBytes

    /// Derives all secrets of a session.
    ///
    /// - Parameters:
    ///   - shared: what the exchange agreed on.
    ///   - hellos: hash of all handshake messages up to and including the server's hello.
    ///   - whole: hash of all handshake messages.
    /// - Throws: what libcrypto refuses.
    package init(
        shared: SecretBytes,
        hellos: [UInt8],
        whole: [UInt8]
    ) throws(CryptoFailure) {
        let root = HKDF.extract(salt: Self.noSalt, input: shared)
        let count = KeySchedule.secretCount
        client = try KeySchedule.expand(root, "c ap", hellos, count: count)
        server = try KeySchedule.expand(root, "s ap", hellos, count: count)
        sessionID = try KeySchedule.expand(root, "session id", whole, count: 16)
        resumptionClient = try KeySchedule.expand(root, "reattach c", whole, count: count)
        resumptionServer = try KeySchedule.expand(root, "reattach s", whole, count: count)
    }

    /// One SHA-512 digest of zeros, as RFC 5869 section 2.2 has it for an absent salt.
    private static let noSalt = [UInt8](repeating: 0, count: 64)
}

/// The key and nonce of one direction, made from its traffic secret.
package struct TrafficKeys: Sendable {
    /// 32 bytes.
    package let key: SecretBytes
    /// 12 bytes, combined with the record's number.
    package let iv: SecretBytes

    /// Derives both.
    package init(_ secret: SecretBytes) throws(CryptoFailure) {
        key = try KeySchedule.expand(secret, "key", count: 32)
        iv = try KeySchedule.expand(secret, "iv", count: 12)
    }

    /// The traffic secret after this one; the way back is a hash too far.
    package static func successor(of secret: SecretBytes) throws(CryptoFailure) -> SecretBytes {
        try KeySchedule.expand(secret, "upd", count: KeySchedule.secretCount)
    }
}
