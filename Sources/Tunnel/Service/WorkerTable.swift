import Basics
import EventIO
import SecureLink
import Synchronization

/// The load of a worker: set by the worker itself and by workers that hand visitors over to it, and read by all.
final class WorkerLoad: Sendable {
    private let streams = Atomic<Int>(0)
    private let onTheWay = Atomic<Int>(0)
    /// The traffic of its links.
    let traffic = TrafficGauge()

    func set(streams count: Int) {
        streams.store(count, ordering: .relaxed)
    }

    /// A visitor is handed over to the worker.
    ///
    /// The visitor counts from now on. Otherwise the worker would get all visitors that arrive together, because it has not taken
    /// any of them yet.
    func visitorSent() {
        onTheWay.add(1, ordering: .relaxed)
    }

    /// The worker has taken a visitor that was handed over to it.
    func visitorTaken() {
        onTheWay.subtract(1, ordering: .relaxed)
    }

    /// The load, in units of one stream.
    func score(at now: Instant) -> Int {
        streams.load(ordering: .relaxed) + onTheWay.load(ordering: .relaxed)
            + traffic.settled(at: now) / Workload.trafficOfOneStream
    }
}

/// The mailbox and the load of a worker, for other threads.
struct WorkerHandle: Sendable {
    let mailbox: Mailbox<WorkerMessage>
    let load: WorkerLoad
}

/// The table of all workers that one worker holds.
struct WorkerTable: Sendable {
    /// All workers, in the order of their numbers.
    let workers: [WorkerHandle]
    /// The number of the worker that holds this table.
    let own: Int

    /// The worker that holds this table.
    var mine: WorkerHandle { workers[own] }

    /// The worker with the least load; `nil` unless it has less than this one: handing over costs a wake-up.
    func lightestOther(at now: Instant) -> WorkerHandle? {
        let least = workers.map(\.load).least(from: own, at: now)
        return least == own ? nil : workers[least]
    }

    /// The worker that gets the connection with this number, in round-robin order from this worker; `nil` for this worker.
    func next(_ turn: Int) -> WorkerHandle? {
        let number = (own + turn) % workers.count
        return number == own ? nil : workers[number]
    }
}

extension [WorkerLoad] {
    /// The number of the worker with the least load; `own` unless another has less, because handing over costs a wake-up.
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
