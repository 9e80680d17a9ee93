import Synchronization

/// The number of links to one peer that each worker needs, readable by the others.
final class LinkNeeds: Sendable {
    private let counts: Mutex<[Int]>

    init(workers: Int) {
        counts = Mutex(Array(repeating: 0, count: workers))
    }

    /// The largest number that another worker needs.
    func most(beside worker: Int) -> Int {
        counts.withLock { counts in
            counts.indices.reduce(0) { $1 == worker ? $0 : max($0, counts[$1]) }
        }
    }

    /// Sets the number that a worker needs.
    func set(_ count: Int, of worker: Int) {
        counts.withLock { $0[worker] = count }
    }
}
