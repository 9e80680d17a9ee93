/// What a stream's endpoint put into the memory that it was given to fill.
package struct StreamFill: Hashable, Sendable {
    /// What follows the bytes.
    package enum Rest: Hashable, Sendable {
        /// Perhaps more, at once: the stream keeps its turn.
        case more
        /// Nothing until the stream is marked as ready again.
        case drained
        /// The end: there will never be more.
        case finished
    }

    /// The number of bytes, from the beginning of the memory without a gap.
    package var count: Int
    /// What follows them.
    package var rest: Rest

    package init(_ count: Int, _ rest: Rest) {
        self.count = count
        self.rest = rest
    }
}
