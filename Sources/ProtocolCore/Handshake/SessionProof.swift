package import CryptoPrimitives

/// Names a session towards the peer, so that it can be found again from another link: sixteen bytes without a meaning.
package struct SessionID: Hashable, Sendable {
    private let halves: (UInt64, UInt64)

    /// The size on the wire.
    package static let count = 16

    /// Takes the bytes; `nil` unless there are sixteen.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.count else { return nil }
        halves = (
            bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        )
    }

    /// The bytes as they go over the wire.
    package var bytes: [UInt8] { withUnsafeBytes(of: halves) { Array($0) } }

    package static func == (left: SessionID, right: SessionID) -> Bool { left.halves == right.halves }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(halves.0)
        hasher.combine(halves.1)
    }
}

/// What an end proves a session with on another link: two keys that only the two ends of the session have.
package struct SessionProof: Sendable {
    /// Which session it is.
    package let id: SessionID
    /// How its records are protected.
    package let suite: Suite
    /// The key of the client's proof.
    let client: SecretBytes
    /// The key of the server's proof.
    let server: SecretBytes

    /// The proof of the session that a handshake has begun.
    package init(_ agreement: Agreement) {
        let secrets = agreement.secrets
        // Both lengths are constants of ours.
        guard let id = secrets.sessionID.withUnsafeBytes(SessionID.init) else {
            preconditionFailure("the key schedule makes sixteen bytes")
        }
        self.init(
            id: id,
            suite: agreement.suite,
            client: secrets.resumptionClient,
            server: secrets.resumptionServer
        )
    }

    /// A proof from its parts: for vectors, and for a stand-in that nobody has the keys of.
    package init(id: SessionID, suite: Suite, client: SecretBytes, server: SecretBytes) {
        self.id = id
        self.suite = suite
        self.client = client
        self.server = server
    }
}
