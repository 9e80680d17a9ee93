import Basics

/// Counts what is refused and says when it is time for a line in the log: the first at once, then at most one every ten
/// seconds for each reason, so that a flood of refusals is not a flood of lines.
struct RefusalCounter {
    private struct Entry {
        var since: Instant
        var count = 0
    }

    private var entries: [String: Entry] = [:]
    /// How many were refused in all.
    private(set) var total = 0

    private static let silence = Duration.seconds(10)
    /// Reasons are ours, but their sources are not: a table that strangers could grow is emptied.
    private static let maxReasons = 1024

    /// Something was refused.
    ///
    /// - Returns: how many were refused for this reason since the last line, when it is time for one.
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
