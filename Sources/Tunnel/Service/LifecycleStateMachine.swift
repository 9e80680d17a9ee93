package import EventIO

/// Decides how the whole process goes: from the first worker's start to its exit.
///
/// ```
/// starting ──all started──► running ──drain──► draining ──all drained──► stopping ──all ended──► over
///     └─────────────── failure, stop, second signal, deadline ────────────────▲
/// ```
/// The outcome follows from the facts and not from the order in which they come: a failure to start, else a stream that a worker cut
/// off, else drained. Pure: events go in, actions come out.
struct LifecycleStateMachine {
    /// What the service does next, in this order.
    enum Action: Equatable {
        /// Let all workers begin.
        case begin
        /// Report that everything listens.
        case reportReady
        /// Log that the process drains and start the time limit.
        case startDraining
        /// Let all workers drain.
        case drainWorkers
        /// Let all workers end that have started.
        case stopWorkers
        /// Let this worker end.
        case stopWorker(Int)
        /// End the control loop.
        case exit
    }

    private enum State {
        case starting
        case running
        case draining
        case stopping
        case over
    }

    private let workers: Int
    private var state = State.starting
    private var started: Set<Int> = []
    private var ready: Set<Int> = []
    private var drained: Set<Int> = []
    private var ended: Set<Int> = []
    private var isDrainRequested = false
    private var hasCutOff = false
    private var failure: SystemFailure?

    /// The life of a process with so many workers; at least 1.
    init(workers: Int) {
        self.workers = workers
    }

    /// How the process ends, as far as it is known.
    var outcome: TunnelOutcome {
        if let failure { return .failed(failure) }
        return hasCutOff ? .cutShort : .drained
    }

    /// Whether all workers have begun.
    var hasBegun: Bool { started.count == workers }

    /// A worker's loop runs.
    mutating func started(_ worker: Int) -> [Action] {
        started.insert(worker)
        switch state {
        // The process may have been told to stop before this worker could hear it.
        case .stopping: return [.stopWorker(worker)]
        case .starting where hasBegun:
            state = isDrainRequested ? .draining : .running
            return isDrainRequested ? [.begin, .drainWorkers] : [.begin]
        case .starting, .running, .draining, .over: return []
        }
    }

    /// A worker listens.
    mutating func ready(_ worker: Int) -> [Action] {
        guard ready.insert(worker).inserted, ready.count == workers, state != .over else { return [] }
        return [.reportReady]
    }

    /// A worker cannot do without something that the system refuses.
    mutating func failed(_ failure: SystemFailure) -> [Action] {
        self.failure = self.failure ?? failure
        return stop()
    }

    /// Take nothing new.
    mutating func drain() -> [Action] {
        guard !isDrainRequested, state == .starting || state == .running else { return [] }
        isDrainRequested = true
        // A worker that has not begun has nothing to drain; it hears of it when all of them begin.
        guard state == .running else { return [.startDraining] }
        state = .draining
        return [.startDraining, .drainWorkers]
    }

    /// TERM or INT: the first one drains, the second one ends.
    mutating func signalled() -> [Action] {
        isDrainRequested ? stop() : drain()
    }

    /// End at once: the program wants it, or the time to drain is over.
    mutating func stop() -> [Action] {
        guard state != .stopping, state != .over else { return [] }
        state = .stopping
        return [.stopWorkers]
    }

    /// A worker has nothing left.
    mutating func drained(_ worker: Int) -> [Action] {
        drained.insert(worker)
        guard state == .draining, drained.count == workers else { return [] }
        return stop()
    }

    /// A worker's loop has ended.
    mutating func ended(_ worker: Int, cutOff: Bool) -> [Action] {
        ended.insert(worker)
        if cutOff { hasCutOff = true }
        guard ended.count == workers, state != .over else { return [] }
        state = .over
        return [.exit]
    }
}

/// How the process ended.
package enum TunnelOutcome: Sendable, Equatable {
    /// Every stream came to its own end.
    case drained
    /// Streams were cut off: the time to drain was over, a second signal came, or their link was lost meanwhile.
    case cutShort
    /// It could not be started.
    case failed(SystemFailure)
}
