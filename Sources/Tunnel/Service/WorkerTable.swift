import Basics
import EventIO
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

/// How other threads reach a worker.
struct WorkerHandle: Sendable {
    let mailbox: Mailbox<WorkerMessage>
    let load: WorkerLoad
}

/// All workers, as one of them sees them.
struct WorkerTable: Sendable {
    /// All workers, in the order of their numbers.
    let workers: [WorkerHandle]
    /// The number of the worker that holds this table.
    let own: Int

    /// The worker that holds this table.
    var mine: WorkerHandle { workers[own] }

    /// The worker that has the least to do; `nil` for the own one, unless another has less: handing over costs a wake-up.
    func leastLoaded(at now: Instant) -> WorkerHandle? {
        let least = workers.map(\.load).least(from: own, at: now)
        return least == own ? nil : workers[least]
    }

    /// The worker whose turn it is; `nil` for the own one, which is the first.
    func next(_ turn: Int) -> WorkerHandle? {
        let number = (own + turn) % workers.count
        return number == own ? nil : workers[number]
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
