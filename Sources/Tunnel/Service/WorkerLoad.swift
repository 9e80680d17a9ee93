import Basics
import SecureLink
import Synchronization

/// How much a worker has to do, told by itself and by who hands something over to it, and read by all.
final class WorkerLoad: Sendable {
    private let streams = Atomic<Int>(0)
    private let onTheWay = Atomic<Int>(0)
    /// What its links move.
    let traffic = TrafficGauge()

    /// So many bytes in a twentieth of a second weigh as much as one stream.
    private static let bytesPerStream = 256 << 10

    func set(streams count: Int) {
        streams.store(count, ordering: .relaxed)
    }

    /// A visitor is handed over to the worker.
    ///
    /// It counts from now on: of several that come at once the worker would otherwise get all, because it has taken none of
    /// them yet.
    func visitorSent() {
        onTheWay.add(1, ordering: .relaxed)
    }

    /// The worker has taken a visitor that was handed over to it.
    func visitorTaken() {
        onTheWay.subtract(1, ordering: .relaxed)
    }

    /// The load in streams' worth.
    func score(at now: Instant) -> Int {
        streams.load(ordering: .relaxed) + onTheWay.load(ordering: .relaxed)
            + traffic.settled(at: now) / Self.bytesPerStream
    }
}

extension [WorkerLoad] {
    /// Which worker has the least to do; `own` unless another has less, because handing over costs a wake-up.
    func least(from own: Int, at now: Instant) -> Int {
        var least = own
        var score = self[own].score(at: now)
        for other in indices where other != own {
            let otherScore = self[other].score(at: now)
            if otherScore < score {
                least = other
                score = otherScore
            }
        }
        return least
    }
}
