extension Unicode.Scalar {
    /// Whether a terminal or a log might obey it instead of showing it: C0, DEL and C1.
    ///
    /// No name and no password of ours has one, and none that comes from a peer is taken.
    var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}
