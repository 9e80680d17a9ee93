/// A combination of password exchange, hash and record protection; each has its own number (PROTOCOL.md, Suites).
package struct Suite: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// SPAKE2+ over P-521 with SHA-512; AES-256-GCM encrypts the records.
    ///
    /// Every end supports it.
    package static let encrypted = Suite(rawValue: 0x0101)

    /// The same exchange; AES-256-GMAC authenticates the records but does not encrypt them.
    ///
    /// The ends choose it only if both ask for it (PROTOCOL.md, Integrity only).
    package static let integrityOnly = Suite(rawValue: 0x01F1)

    /// Whether the records' content is hidden from the network.
    package var hidesContent: Bool { self != .integrityOnly }
}
