/// The result of asking a stream's endpoint to fill memory with bytes to send.
package struct StreamFill: Hashable, Sendable {
    /// The state of the endpoint after the bytes.
    package enum Rest: Hashable, Sendable {
        /// It may have more bytes at once: the stream keeps its turn.
        case more
        /// It has nothing until the stream is marked as ready again.
        case drained
        /// It has reached its end: there will never be more bytes.
        case finished
    }

    /// The number of bytes, contiguous from the start of the memory.
    package var count: Int
    /// The state of the endpoint after the bytes.
    package var rest: Rest

    package init(_ count: Int, _ rest: Rest) {
        self.count = count
        self.rest = rest
    }
}
