/// How far this end may send: an offset that the other end moves forward (PROTOCOL.md, Flow control).
struct SendWindow: Hashable {
    /// How many bytes were sent since the beginning.
    private(set) var sent: UInt64 = 0
    /// Up to which offset may be sent.
    private(set) var limit: UInt64

    init(limit: UInt64) {
        self.limit = limit
    }

    /// How many bytes may be sent now.
    var available: Int { Int(clamping: limit - sent) }

    /// Takes note of bytes that go out.
    mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= available, "more is sent than there is credit for")
        sent += UInt64(count)
    }

    /// The peer moved the limit.
    ///
    /// - Returns: whether it grew; one that does not grow is legal and useless.
    mutating func raise(to newLimit: UInt64) -> Bool {
        guard newLimit > limit else { return false }
        limit = newLimit
        return true
    }
}
