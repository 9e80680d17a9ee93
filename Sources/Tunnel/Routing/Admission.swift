import Synchronization

/// Decides whether the process takes another stream or link: the limits of the whole process.
///
/// Safe from any thread.
final class Admission: Sendable {
    /// What the process holds for its peers.
    let budget: MemoryBudget
    private let maxLinks: Int
    private let links = Atomic<Int>(0)

    /// The limit that refuses a newcomer.
    enum Limit: String, Sendable {
        case memory
        case links = "max-links"
    }

    init(_ limits: ProcessLimits) {
        budget = MemoryBudget(limits.memory)
        maxLinks = limits.maxLinks
    }

    /// The limit that refuses a new stream; `nil` when it may come.
    var streamLimit: Limit? { budget.isExhausted ? .memory : nil }

    /// Takes a link in, unauthenticated as it is.
    ///
    /// - Returns: the limit that refuses it; `nil` when it was taken in, and ``linkGone(_:)`` has to be called one day.
    func admitLink() -> Limit? {
        if budget.isExhausted { return .memory }
        guard links.load(ordering: .relaxed) < maxLinks else { return .links }
        links.add(1, ordering: .relaxed)
        return nil
    }

    /// Links that were taken in are gone.
    func linkGone(_ count: Int = 1) {
        links.subtract(count, ordering: .relaxed)
    }
}
