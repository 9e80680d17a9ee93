import Basics

/// Counts refusals and decides when to log a line.
///
/// The first refusal for a reason is logged at once, then at most one line every ten seconds for each reason, so that a flood of
/// refusals does not cause a flood of lines.
struct RefusalCounter {
    private struct Entry {
        var since: Instant
        var count = 0
    }

    private var entries: [String: Entry] = [:]
    /// The total number of refusals.
    private(set) var total = 0

    private static let silence = Duration.seconds(10)
    /// The number of reasons at which the table is emptied.
    ///
    /// Reasons may contain text from unauthenticated clients, which must not be able to make the table grow without limit.
    private static let maxReasons = 1024

    /// Counts a refusal.
    ///
    /// - Returns: the number of refusals for this reason since the last line, if another line is due; otherwise `nil`.
    mutating func note(_ reason: String, at now: Instant) -> Int? {
        total += 1
        if entries.count >= Self.maxReasons { entries.removeAll() }
        guard var entry = entries[reason] else {
            entries[reason] = Entry(since: now)
            return 1
        }
        entry.count += 1
        guard now.duration(since: entry.since) >= Self.silence else {
            entries[reason] = entry
            return nil
        }
        entries[reason] = Entry(since: now)
        return entry.count
    }
}
