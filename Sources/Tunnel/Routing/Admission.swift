import Synchronization

/// Decides whether the process accepts another stream or link, by the limits of the whole process.
///
/// Safe from any thread.
final class Admission: Sendable {
    /// The memory that the process holds for its peers.
    let budget: MemoryBudget
    private let maxLinks: Int
    private let links = Atomic<Int>(0)

    /// The limit that refuses a new stream or link.
    enum Limit: String, Sendable {
        case memory
        case links = "max-links"
    }

    init(_ limits: ProcessLimits) {
        budget = MemoryBudget(limits.memory)
        maxLinks = limits.maxLinks
    }

    /// The limit that refuses a new stream; `nil` if the stream is admitted.
    var streamLimit: Limit? { budget.isExhausted ? .memory : nil }

    /// Admits a link that is not authenticated yet.
    ///
    /// - Returns: the limit that refuses it; `nil` if it is admitted, and then ``linkGone(_:)`` must be called when it ends.
    func admitLink() -> Limit? {
        if budget.isExhausted { return .memory }
        guard links.load(ordering: .relaxed) < maxLinks else { return .links }
        links.add(1, ordering: .relaxed)
        return nil
    }

    /// Notes that admitted links have ended.
    func linkGone(_ count: Int = 1) {
        links.subtract(count, ordering: .relaxed)
    }
}
