/// One choice of password exchange, hash and record protection; a new combination is a new number
/// (PROTOCOL.md, Suites).
package struct Suite: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// SPAKE2+ over P-521 with SHA-512, records under AES-256-GCM.
    ///
    /// Every end has it.
    package static let encrypted = Suite(rawValue: 0x0101)

    /// The same exchange, records under AES-256-GMAC: who they come from is certain, their content is
    /// readable.
    ///
    /// Chosen only when both ends ask for it (PROTOCOL.md, Integrity only).
    package static let integrityOnly = Suite(rawValue: 0x01F1)

    /// Whether the records' content is hidden from the network.
    package var hidesContent: Bool { self != .integrityOnly }
}
