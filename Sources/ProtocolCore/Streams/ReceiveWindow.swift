/// The credit of the other end, and the decision when to give it more (PROTOCOL.md, Flow control).
///
/// Offsets are absolute, so a repeated one has no effect. The window grows if it is what limits the sender. A sender that runs
/// out of credit stops exactly at a limit that this end announced. If this end has taken nearly everything by then, the window is
/// too small for the path. If bytes are left, this end's reader is the slow part. No clock is needed to tell the two apart.
struct ReceiveWindow: Hashable {
    /// The number of bytes received since the beginning.
    private(set) var received: UInt64 = 0
    /// The number of them that this end has taken.
    private(set) var consumed: UInt64 = 0
    /// The offset up to which the other end may send, as this end last announced it.
    private(set) var limit: UInt64
    /// The number of bytes beyond the taken ones that the other end may send.
    private(set) var size: UInt64
    /// The limit before the last one: the sender may have stopped there while the new one was under way.
    private var previousLimit: UInt64
    private var senderRanOut = false
    /// Whether the window had its maximum size when the limit was last raised.
    private var isFullGrown = false

    init(size: UInt64) {
        self.size = size
        limit = size
        previousLimit = size
    }

    /// The number of held bytes: they arrived but were not taken.
    var held: UInt64 { received - consumed }

    /// Counts bytes that arrived.
    ///
    /// - Returns: `false` if they go beyond the limit; then nothing was counted.
    mutating func receive(_ count: Int) -> Bool {
        let (end, overflow) = received.addingReportingOverflow(UInt64(count))
        guard !overflow, end <= limit else { return false }
        received = end
        if end == limit || end == previousLimit { senderRanOut = true }
        return true
    }

    /// Counts bytes that this end took.
    mutating func consume(_ count: Int) {
        precondition(count >= 0 && UInt64(count) <= held, "more was taken than came")
        consumed += UInt64(count)
    }

    /// Whether enough of the window was taken since the last grant that a new grant is due.
    ///
    /// None is due if there is nothing to give, however small the window is: the other end counts such a WINDOW as abuse.
    func isGrantDue(lead: UInt64 = 0) -> Bool {
        let target = target(lead: lead)
        return target > limit && target - limit >= step
    }

    /// Half of the window: a smaller step costs records, a larger one lets the window run dry.
    ///
    /// A window that cannot grow any more has to make the best of its size, and granting each eighth of a large window still
    /// costs little. At 16 MiB and 100 ms, a step of a half fills two thirds of a gigabit link; a step of an eighth fills all
    /// but a twentieth.
    private var step: UInt64 {
        isFullGrown ? max(size / 8, min(size / 2, Self.minStep)) : size / 2
    }

    /// Two records of the largest size: with a smaller step, every other record would cause a grant.
    private static let minStep: UInt64 = 128 << 10

    /// Raises the limit.
    ///
    /// - Parameters:
    ///   - largest: the maximum size of the window; a value below its size leaves the window as it is.
    ///   - lead: the additional credit beyond the window.
    /// - Returns: the new limit, to be announced to the other end.
    mutating func grant(growingTo largest: UInt64, lead: UInt64 = 0) -> UInt64 {
        if senderRanOut, held <= size / 4 { size = max(size, min(size * 2, largest)) }
        senderRanOut = false
        isFullGrown = size >= largest
        previousLimit = limit
        limit = max(limit, target(lead: lead))
        return limit
    }

    /// Widens the window to at least this size, for the next grant.
    mutating func widen(to least: UInt64) {
        size = max(size, least)
    }

    private func target(lead: UInt64) -> UInt64 { consumed + size + lead }
}
