package import EventIO

/// Decides the life cycle of the process, from the first worker's start to the exit.
///
/// ```
/// starting ──all started──► running ──drain──► draining ──all drained──► stopping ──all ended──► over
///     └─────────────── failure, stop, second signal, deadline ────────────────▲
/// ```
/// The outcome depends on the facts and not on the order in which they come: a failure to start, else a stream that a worker cut
/// off, else drained. Pure: events go in, actions come out.
struct LifecycleStateMachine {
    /// A step of the service; it performs the steps in the order given.
    enum Action: Equatable {
        /// Send each worker its listeners, and let it begin.
        case begin
        /// Report that all workers have begun.
        case reportReady
        /// Log that the process drains and start the time limit.
        case startDraining
        /// Let all workers drain.
        case drainWorkers
        /// Stop all workers that have started.
        case stopWorkers
        /// Stop this worker.
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

    /// The life cycle of a process with this number of workers, at least 1.
    init(workers: Int) {
        self.workers = workers
    }

    /// The outcome of the process, as far as it is known.
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
        // The process may have been stopped before this worker could receive messages.
        case .stopping: return [.stopWorker(worker)]
        case .starting where hasBegun:
            state = isDrainRequested ? .draining : .running
            return isDrainRequested ? [.begin, .drainWorkers] : [.begin]
        case .starting, .running, .draining, .over: return []
        }
    }

    /// A worker has begun.
    mutating func ready(_ worker: Int) -> [Action] {
        guard ready.insert(worker).inserted, ready.count == workers, state == .running else { return [] }
        return [.reportReady]
    }

    /// The system refused something that a worker needs.
    mutating func failed(_ failure: SystemFailure) -> [Action] {
        self.failure = self.failure ?? failure
        return stop()
    }

    /// Begins to drain: the process accepts nothing new.
    mutating func drain() -> [Action] {
        guard !isDrainRequested, state == .starting || state == .running else { return [] }
        isDrainRequested = true
        // Workers that have not begun have nothing to drain; they are drained when all of them begin.
        guard state == .running else { return [.startDraining] }
        state = .draining
        return [.startDraining, .drainWorkers]
    }

    /// TERM or INT came: the first one drains, the second one stops the process.
    mutating func signalled() -> [Action] {
        isDrainRequested ? stop() : drain()
    }

    /// Stops the process at once: the program wants it, or `drain-timeout` has passed.
    mutating func stop() -> [Action] {
        guard state != .stopping, state != .over else { return [] }
        state = .stopping
        return [.stopWorkers]
    }

    /// A worker has no stream and no session left.
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

/// The outcome of the process.
package enum TunnelOutcome: Sendable, Equatable {
    /// No stream was cut off.
    case drained
    /// Streams were cut off: `drain-timeout` passed, a second signal came, or their session ended while draining.
    case cutShort
    /// The process could not start.
    case failed(SystemFailure)
}
