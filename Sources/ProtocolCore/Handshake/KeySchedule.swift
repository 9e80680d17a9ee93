package import CryptoPrimitives
import WireCoding

/// The derivation of the keys of both directions from a shared secret (PROTOCOL.md, Key schedule).
package enum KeySchedule {
    /// HKDF-Expand with TLS 1.3's framing of label and context (RFC 8446, section 7.1) and this protocol's own prefix.
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

/// The secrets that a finished handshake leaves to the session, which needs nothing else from it.
package struct SessionSecrets: Sendable {
    /// The secret from which the client's sending key is derived.
    package let client: SecretBytes
    /// The secret from which the server's sending key is derived.
    package let server: SecretBytes
    /// The identifier of the session for the peer; sixteen bytes.
    package let sessionID: SecretBytes
    /// The key with which the client proves the session on a new link.
    package let resumptionClient: SecretBytes
    /// The key with which the server proves the session on a new link.
    package let resumptionServer: SecretBytes

    /// Derives all secrets of a session.
    ///
    /// - Parameters:
    ///   - shared: the shared key of the exchange.
    ///   - hellos: the hash of all handshake messages up to and including the server's hello.
    ///   - whole: the hash of all handshake messages.
    /// - Throws: the failure of libcrypto.
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

    /// A salt of zeros, as long as one SHA-512 digest, which RFC 5869, section 2.2, prescribes if there is no salt.
    private static let noSalt = [UInt8](repeating: 0, count: 64)
}

/// The key and nonce of one direction, derived from its traffic secret.
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

    /// The traffic secret after this one, from which this one cannot be computed.
    package static func successor(of secret: SecretBytes) throws(CryptoFailure) -> SecretBytes {
        try KeySchedule.expand(secret, "upd", count: KeySchedule.secretCount)
    }
}
