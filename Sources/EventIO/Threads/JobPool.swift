import DequeModule
import Platform
import Synchronization

/// A pool of threads with a bounded queue, for computations that would block a loop.
///
/// Its threads have a lower priority than the threads of loops. libuv's own pool is reserved for name look-ups: a flood of jobs
/// must not delay them.
package final class JobPool: Sendable {
    private let queue: JobQueue
    private let threads: [LoopThread]

    /// The difference between the nice value of these threads and that of the loops.
    ///
    /// A loop that competes for the same processor gets nine tenths of it. Larger: nobody could log in at a busy machine.
    /// Smaller: many logins at once would take a third of the speed of other users' streams.
    private static let niceLevels: Int32 = 10

    /// Starts `count` threads; at most `maxWaiting` jobs wait for a free thread.
    package init(threads count: Int, maxWaiting: Int, name: String) throws(SystemFailure) {
        let queue = JobQueue(maxWaiting: maxWaiting)
        var started: [LoopThread] = []
        for _ in 0..<count {
            // The threads retain the queue and not the pool: `deinit` of the pool ends them.
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
    /// - Returns: `false` if too many jobs are waiting; then the pool does not run the job.
    package func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        queue.add(job)
    }

    /// The number of waiting jobs.
    var waiting: Int { queue.waiting }
}

/// A queue of jobs that wait for a thread.
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
