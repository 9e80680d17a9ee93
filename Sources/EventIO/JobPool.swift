import CLinux
import Synchronization

/// Threads for arithmetic that would hold up a loop, with a queue of bounded length.
///
/// Its threads stand back where processors are short: those of the loops come first. It is not libuv's pool: that one looks up
/// names, and a flood of jobs must not keep names from being looked up.
package final class JobPool: Sendable {
    private let queue: JobQueue
    private let threads: [LoopThread]

    /// How much higher than the loops' their nice value is.
    ///
    /// A loop that wants the same processor then gets nine tenths of it. More, and nobody could log in at a machine that
    /// is busy; less, and a crowd that logs in would take the streams of others a third of their speed.
    private static let reserve: Int32 = 10

    /// Starts `count` threads; at most `mostWaiting` jobs wait for one of them.
    package init(threads count: Int, mostWaiting: Int, name: String) throws(SystemFailure) {
        let queue = JobQueue(mostWaiting: mostWaiting)
        var started: [LoopThread] = []
        for _ in 0..<count {
            // The threads hold the queue and not the pool, whose end is what ends them.
            let thread = try LoopThread(name: name) {
                sly_stand_back(Self.reserve)
                queue.work()
            }
            started.append(thread)
        }
        self.queue = queue
        threads = started
    }

    deinit {
        queue.close(workers: threads.count)
        for thread in threads { thread.join() }
    }

    /// Runs a job on one of the threads.
    ///
    /// - Returns: `false` when too many wait already; then it will not be run.
    package func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        queue.add(job)
    }

    /// How many jobs wait.
    package var waiting: Int { queue.waiting }
}

/// The jobs that wait for a thread.
private final class JobQueue: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var taken = 0
        var isOpen = true

        var waiting: Int { jobs.count - taken }

        /// Takes the oldest job; there has to be one.
        mutating func takeFirst() -> @Sendable () -> Void {
            let job = jobs[taken]
            taken += 1
            // Strangers can keep the queue from ever being empty: what has been taken is forgotten all the same, with
            // the secrets that it holds.
            if taken > jobs.count / 2 {
                jobs.removeFirst(taken)
                taken = 0
            }
            return job
        }
    }

    private let state = Mutex(State())
    private let wakeUp = WakeUp()
    private let mostWaiting: Int

    init(mostWaiting: Int) {
        self.mostWaiting = mostWaiting
    }

    var waiting: Int { state.withLock { $0.waiting } }

    func add(_ job: @escaping @Sendable () -> Void) -> Bool {
        let isAccepted = state.withLock { state in
            guard state.waiting < mostWaiting else { return false }
            state.jobs.append(job)
            return true
        }
        if isAccepted { wakeUp.post() }
        return isAccepted
    }

    func close(workers: Int) {
        state.withLock { $0.isOpen = false }
        for _ in 0..<workers { wakeUp.post() }
    }

    /// Runs jobs until the queue is closed and empty.
    func work() {
        while true {
            wakeUp.wait()
            let (job, isOpen) = state.withLock { state -> ((@Sendable () -> Void)?, Bool) in
                guard state.waiting > 0 else { return (nil, state.isOpen) }
                return (state.takeFirst(), state.isOpen)
            }
            if let job { job() } else if !isOpen { return }
        }
    }
}
