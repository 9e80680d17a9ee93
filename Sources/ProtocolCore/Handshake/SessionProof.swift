package import CryptoPrimitives

/// The identifier by which an end finds a session again from another link: sixteen bytes without a meaning.
package struct SessionID: Hashable, Sendable {
    private let halves: (UInt64, UInt64)

    /// The size on the wire, in bytes.
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

/// The proof of a session on another link: two keys that only the two ends of the session have.
package struct SessionProof: Sendable {
    /// The identifier of the session.
    package let id: SessionID
    /// The suite that protects its records.
    package let suite: Suite
    /// The key of the client's proof.
    let client: SecretBytes
    /// The key of the server's proof.
    let server: SecretBytes

    /// Takes the proof of a new session from its handshake.
    package init(_ agreement: Agreement) {
        let secrets = agreement.secrets
        // Both lengths are constants of this code.
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

    /// Creates a proof from its parts: for test vectors, and for a stand-in whose keys nobody has.
    package init(id: SessionID, suite: Suite, client: SecretBytes, server: SecretBytes) {
        self.id = id
        self.suite = suite
        self.client = client
        self.server = server
    }
}
