/// Names a stream inside its session; the number goes over the wire.
///
/// The client's are odd, the server's even, and each end's ascend, so that a name is never used twice.
package struct StreamID: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static func < (left: StreamID, right: StreamID) -> Bool { left.rawValue < right.rawValue }

    /// Whether the client opened it.
    var isClients: Bool { rawValue % 2 == 1 }
}

/// A stream as the owner of a session holds it: the name, and where its state is kept.
package struct StreamHandle: Hashable, Sendable {
    /// The stream's name on the wire.
    package let id: StreamID
    /// A small number that no other open stream of the session has now; for tables beside the session.
    package let slot: Int
}
