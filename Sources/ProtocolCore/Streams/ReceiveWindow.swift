/// How far the other end may send, and when to let it go further (PROTOCOL.md, Flow control).
///
/// Offsets are absolute, so that saying one twice means nothing. The window grows where it is what holds the sender
/// back: a sender that runs out of credit stops exactly at a limit it was told, and if by then our side has taken
/// nearly everything that came, the window is too small for the way between us. A reader that is slow itself is
/// told apart by what it has not taken. No clock is needed for it.
struct ReceiveWindow: Hashable {
    /// How many bytes came since the beginning.
    private(set) var received: UInt64 = 0
    /// How many of them were taken.
    private(set) var consumed: UInt64 = 0
    /// Up to which offset the other end may send, as it was last told.
    private(set) var limit: UInt64
    /// How far ahead of what was taken the other end may send.
    private(set) var size: UInt64
    /// The limit before the last one: the sender may have stopped there while the new one was on its way.
    private var previousLimit: UInt64
    private var senderRanOut = false
    /// Whether the window was as large as it may be when the limit was last moved.
    private var isFullGrown = false

    init(size: UInt64) {
        self.size = size
        limit = size
        previousLimit = size
    }

    /// How many bytes are held: they came and were not taken.
    var held: UInt64 { received - consumed }

    /// Takes note of bytes that came.
    ///
    /// - Returns: `false` when they go beyond the limit; then nothing was noted.
    mutating func receive(_ count: Int) -> Bool {
        let (end, overflow) = received.addingReportingOverflow(UInt64(count))
        guard !overflow, end <= limit else { return false }
        received = end
        if end == limit || end == previousLimit { senderRanOut = true }
        return true
    }

    /// Takes note of bytes that our side took.
    mutating func consume(_ count: Int) {
        precondition(count >= 0 && UInt64(count) <= held, "more was taken than came")
        consumed += UInt64(count)
    }

    /// Whether so much of the window was taken since the other end was last told that it is time to tell it anew.
    ///
    /// Never when there is nothing to give, however small the window is: the other end counts such news as a fault.
    func isGrantDue(lead: UInt64 = 0) -> Bool {
        let target = target(lead: lead)
        return target > limit && target - limit >= step
    }

    /// Half of the window: earlier would cost records, later would let it run dry.
    ///
    /// A window that cannot grow any more has to make the best of its size, and an eighth of a large one is still
    /// a long way from costing much: at 16 MiB and 100 ms, half would fill two thirds of a gigabit, an eighth fills
    /// all but a twentieth.
    private var step: UInt64 {
        isFullGrown ? max(size / 8, min(size / 2, Self.minStep)) : size / 2
    }

    /// Two records of the largest size: telling anew for less would be telling with every other record.
    private static let minStep: UInt64 = 128 << 10

    /// Moves the limit.
    ///
    /// - Parameters:
    ///   - largest: how large the window may grow; a value below its size leaves it as it is.
    ///   - lead: how much further than the window itself reaches.
    /// - Returns: the new limit, to be told to the other end.
    mutating func grant(growingTo largest: UInt64, lead: UInt64 = 0) -> UInt64 {
        if senderRanOut, held <= size / 4 { size = max(size, min(size * 2, largest)) }
        senderRanOut = false
        isFullGrown = size >= largest
        previousLimit = limit
        limit = max(limit, target(lead: lead))
        return limit
    }

    /// Makes the window at least so large, for the next time.
    mutating func widen(to least: UInt64) {
        size = max(size, least)
    }

    private func target(lead: UInt64) -> UInt64 { consumed + size + lead }
}
