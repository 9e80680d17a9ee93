import Synchronization

/// How many links to one peer each worker needs, told to the others.
final class LinkNeeds: Sendable {
    private let counts: Mutex<[Int]>

    init(workers: Int) {
        counts = Mutex(Array(repeating: 0, count: workers))
    }

    /// The most that another worker needs.
    func most(beside worker: Int) -> Int {
        counts.withLock { counts in
            counts.indices.reduce(0) { $1 == worker ? $0 : max($0, counts[$1]) }
        }
    }

    /// A worker needs so many.
    func set(_ count: Int, of worker: Int) {
        counts.withLock { $0[worker] = count }
    }
}
