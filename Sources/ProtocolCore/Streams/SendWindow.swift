/// The credit of this end: an offset up to which it may send, and that the other end raises (PROTOCOL.md, Flow control).
struct SendWindow: Hashable {
    /// The number of bytes sent since the beginning.
    private(set) var sent: UInt64 = 0
    /// The offset up to which this end may send.
    private(set) var limit: UInt64

    init(limit: UInt64) {
        self.limit = limit
    }

    /// The number of bytes that may be sent now.
    var available: Int { Int(clamping: limit - sent) }

    /// Counts bytes that are sent.
    mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= available, "more is sent than there is credit for")
        sent += UInt64(count)
    }

    /// Raises the limit, as the peer announced.
    ///
    /// - Returns: whether it grew; an announcement that does not raise it is legal but useless.
    mutating func raise(to newLimit: UInt64) -> Bool {
        guard newLimit > limit else { return false }
        limit = newLimit
        return true
    }
}
