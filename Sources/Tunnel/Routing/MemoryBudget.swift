import Synchronization

/// The memory that the process holds for its peers, and its limit.
///
/// All threads share it. They count whole pieces of memory, not single bytes.
///
/// It never makes an allocation fail, because this end must take the bytes that it has granted as credit. It decides what is
/// admitted. When three quarters are used, windows stop growing. When all is used, new links and streams are refused, and
/// existing ones continue.
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

    /// The number of bytes held.
    var usedBytes: Int { used.load(ordering: .relaxed) }

    /// Whether new links and streams are refused.
    var isExhausted: Bool { usedBytes >= limit }

    /// Whether windows may still grow: the last quarter is reserved for new streams.
    var allowsGrowth: Bool { usedBytes < limit / 4 * 3 }
}
