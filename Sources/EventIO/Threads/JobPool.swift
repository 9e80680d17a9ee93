import DequeModule
import Platform
import Synchronization

/// Threads for arithmetic that would hold up a loop, with a bounded queue.
///
/// They have a lower priority than the threads of loops. libuv's own pool is left to name look-ups: a flood of jobs must not
/// keep names from being looked up.
package final class JobPool: Sendable {
    private let queue: JobQueue
    private let threads: [LoopThread]

    /// How much higher than the loops' the nice value of the threads is.
    ///
    /// A loop that wants the same processor then gets nine tenths of it. Larger: nobody could log in at a busy machine.
    /// Smaller: many logins at once would take a third of the speed of other users' streams.
    private static let niceLevels: Int32 = 10

    /// Starts `count` threads; at most `maxWaiting` jobs wait for one of them.
    package init(threads count: Int, maxWaiting: Int, name: String) throws(SystemFailure) {
        let queue = JobQueue(maxWaiting: maxWaiting)
        var started: [LoopThread] = []
        for _ in 0..<count {
            // The threads hold the queue and not the pool: freeing the pool is what ends them.
            let thread = try LoopThread(name: name) {
                ThreadControl.lowerPriority(by: Self.niceLevels)
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
    /// - Returns: `false` when too many jobs wait already; then it is not run.
    package func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        queue.add(job)
    }

    /// How many jobs wait.
    var waiting: Int { queue.waiting }
}

/// The jobs that wait for a thread.
private final class JobQueue: Sendable {
    private struct State {
        var jobs: Deque<@Sendable () -> Void> = []
        var isOpen = true
    }

    private let state = Mutex(State())
    private let semaphore = ThreadSemaphore()
    private let maxWaiting: Int

    init(maxWaiting: Int) {
        self.maxWaiting = maxWaiting
    }

    var waiting: Int { state.withLock { $0.jobs.count } }

    func add(_ job: @escaping @Sendable () -> Void) -> Bool {
        let isAccepted = state.withLock { state in
            guard state.jobs.count < maxWaiting else { return false }
            state.jobs.append(job)
            return true
        }
        if isAccepted { semaphore.post() }
        return isAccepted
    }

    func close(workers: Int) {
        state.withLock { $0.isOpen = false }
        for _ in 0..<workers { semaphore.post() }
    }

    /// Runs jobs until the queue is closed and empty.
    func work() {
        while true {
            semaphore.wait()
            let (job, isOpen) = state.withLock { state in (state.jobs.popFirst(), state.isOpen) }
            if let job { job() } else if !isOpen { return }
        }
    }
}
