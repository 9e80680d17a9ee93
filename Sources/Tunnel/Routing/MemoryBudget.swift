import Synchronization

/// How much the process holds for its peers, and how much it may: shared by all threads, asked for pieces of memory and
/// never for bytes.
///
/// It does not make memory fail: what was granted to a peer as credit has to be taken. It decides what is let in: when it is
/// used up, windows stop growing and new links and streams are refused, and what there is goes on.
final class MemoryBudget: Sendable {
    private let used = Atomic<Int>(0)
    private let limit: Int

    init(_ limit: Int) {
        self.limit = limit
    }

    func take(_ count: Int) {
        used.add(count, ordering: .relaxed)
    }

    func release(_ count: Int) {
        used.subtract(count, ordering: .relaxed)
    }

    /// How many bytes are held.
    var usedBytes: Int { used.load(ordering: .relaxed) }

    /// Whether nothing new is to be let in.
    var isExhausted: Bool { usedBytes >= limit }

    /// Whether windows may still grow: they stop before the rest is needed by new streams.
    var allowsGrowth: Bool { usedBytes < limit / 4 * 3 }
}
