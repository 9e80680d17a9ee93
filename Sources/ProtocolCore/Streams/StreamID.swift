/// The number of a stream in its session; it goes over the wire.
///
/// The client's numbers are odd and the server's are even. The numbers of each end ascend, so that none is used twice.
package struct StreamID: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static func < (left: StreamID, right: StreamID) -> Bool { left.rawValue < right.rawValue }

    /// Whether the client opens the streams with this kind of number.
    var isClients: Bool { rawValue % 2 == 1 }
}

/// A stream as the owner of a session refers to it: its number, and the slot with its state.
package struct StreamHandle: Hashable, Sendable {
    /// The stream's number on the wire.
    package let id: StreamID
    /// A small number that no other open stream of the session has now; an index for tables outside the session.
    package let slot: Int
}
