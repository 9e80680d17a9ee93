package import Basics
import CLibuv
import Platform

/// An event loop on one thread: sockets, timers, messages from other threads, and work at the end of every turn.
///
/// `uv_run` is the loop, and a turn is one pass of it:
/// ```
/// uv_prepare   beforeWaiting: updates the watches of sockets, and decides how long to wait
///   waiting    libuv waits, then calls the sources whose descriptors are ready
/// uv_check     afterWaiting: fires the timers that are due, then calls the handlers of the turn's end
/// ```
/// A pass of busy polling (``BusyPoll``) in which no event arrived does not end the turn: the turn continues with the next pass
/// (docs/decisions/0023-libuv-drives-the-loop.md).
///
/// The loop is confined to the thread that created it; other threads use ``LoopWaker`` and ``Mailbox``.
package final class EventLoop {
    let sockets: SocketPoller
    let libuv: LibuvLoop
    /// Wakes the loop from any thread.
    package let waker: LoopWaker

    // Private, and read through the accessor: the compiler then sees every access and omits the exclusivity checks.
    private var turnBegan: Instant
    private let thread: uv_thread_t
    private var timers = TimerHeap()
    private var isStopping = false
    private var turnEnds: [any TurnEndHandler] = []
    private var isEndingTurn = false
    private var nextTurn: [any TurnEndHandler] = []
    private var mailboxes: [any MailboxDrain] = []
    private var wakeSource: WakeSource?
    /// Whether the loop has called a source since the last turn ended.
    private var hasHappened = false
    private var busyPoll: BusyPoll
    /// The number of bytes that the loop's sockets have read in this turn.
    var turnBytes = 0
    /// The number of turns since the loop was created.
    private(set) var turns: UInt64 = 0

    /// The time at which this turn began.
    package var now: Instant { turnBegan }

    /// The version of the loaded libuv, such as "1.44.2".
    package static var libraryVersion: String { String(cString: uv_version_string()) }

    /// The clock of all loops; safe from any thread.
    package static var clock: Instant { Instant(nanoseconds: uv_hrtime()) }

    /// The maximum number of turns after ``stop()``: one for work already requested, one for work that results from it.
    private static let lastTurns = 2

    /// The scheduler's time slice for the thread, in nanoseconds: the time for which it may keep a processor that others want.
    ///
    /// When a thread with short slices wakes, the kernel gives it the processor sooner, so an urgent answer overtakes the bulk of
    /// other threads. Larger: with the system's default of 3 ms, one in a hundred answers beside bulk on a busy machine waits
    /// half a millisecond. Smaller: bulk pays for the context switches.
    private static let slice: UInt64 = 100_000

    /// Creates a loop of the calling thread.
    ///
    /// - Parameter pollsBusily: whether the loop may poll briefly before its thread blocks (``BusyPoll``).
    /// - Throws: the system error, usually because there are no descriptors left.
    package init(pollsBusily: Bool = false) throws(SystemFailure) {
        busyPoll = BusyPoll(isEnabled: pollsBusily)
        turnBegan = Self.clock
        thread = uv_thread_self()
        waker = try LoopWaker()
        libuv = try LibuvLoop()
        sockets = SocketPoller(libuv)
        libuv.uv.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        let source = WakeSource(waker) { [unowned self] in drainMailboxes() }
        try sockets.add(source, .readable)
        wakeSource = source
    }

    deinit {
        libuv.uv.pointee.data = nil
    }

    /// Runs until ``stop()`` is called.
    package func run() {
        precondition(isOnLoop, "an event loop runs on the thread that made it")
        ThreadControl.shortenSlices(nanoseconds: Self.slice)
        uv_prepare_start(libuv.prepare) { $0?.pointee.loop.withOwner { $0.beforeWaiting() } }
        uv_check_start(libuv.check) { $0?.pointee.loop.withOwner { $0.afterWaiting() } }
        endTurn()
        while !isStopping { uv_run(libuv.uv, UV_RUN_DEFAULT) }
        uv_prepare_stop(libuv.prepare)
        uv_check_stop(libuv.check)
        // Gives handlers their last turns to finish; a handler that always requests another turn does not get one.
        for _ in 0..<Self.lastTurns where !turnEnds.isEmpty { endTurn() }
    }

    /// Ends ``run()`` after this turn.
    package func stop() {
        isStopping = true
        uv_stop(libuv.uv)
    }

    /// Whether the calling thread is the loop's.
    package var isOnLoop: Bool {
        var own = uv_thread_self()
        return withUnsafePointer(to: thread) { uv_thread_equal($0, &own) != 0 }
    }

    /// Reads the clock again, after work that took long.
    package func refreshTime() {
        turnBegan = Self.clock
    }

    /// The number of times the system refused to keep watching a socket.
    ///
    /// The system does so when the user's watches are exhausted (`fs.epoll.max_user_watches`).
    package var refusedWatches: Int { sockets.refusals }

    /// Frees the handles that the loop keeps for closed descriptors; call it after many sockets were closed.
    package func trim() {
        sockets.trim()
    }
}

// MARK: - Waiting

extension EventLoop {
    /// Notes that an event arrived; the first call in a turn reads the clock.
    func somethingHappened() {
        guard !hasHappened else { return }
        hasHappened = true
        turnBegan = Self.clock
    }

    /// Updates the watches of sockets, and decides how long libuv waits.
    private func beforeWaiting() {
        // No event has arrived since the loop began to poll: the watches are up to date.
        if busyPoll.isPolling { return }
        busyPoll.turnEnded(bytes: turnBytes, began: turnBegan)
        turnBytes = 0
        guard turnEnds.isEmpty else {
            sockets.settle(isWaiting: false, at: now)
            // The next turn begins without waiting.
            libuv.setIdle(true)
            return
        }
        sockets.settle(isWaiting: true, at: now)
        let time = Self.clock
        let deadline = min(timers.firstDeadline ?? .distantFuture, sockets.sweepsAt ?? .distantFuture)
        let isDue = !turnEnds.isEmpty || deadline <= time
        if !isDue, busyPoll.begins(at: time, deadline: deadline) {
            libuv.setIdle(true)
            return
        }
        libuv.setIdle(isDue)
        if !isDue { libuv.setAlarm(deadline == .distantFuture ? nil : deadline, at: time) }
    }

    /// Ends the turn, unless no event has arrived and the loop continues to poll.
    private func afterWaiting() {
        if busyPoll.isPolling {
            guard hasHappened else {
                // Between two polls, other threads may use the processor.
                sched_yield()
                busyPoll.foundNothing(at: Self.clock)
                return
            }
            busyPoll.foundSomething()
        }
        if !hasHappened { turnBegan = Self.clock }
        turns &+= 1
        fireTimers()
        endTurn()
        hasHappened = false
        busyPoll.turnBegins()
    }
}

// MARK: - Turns

/// An object with work to do at the end of a turn, when all events of the turn are known.
package protocol TurnEndHandler: AnyObject {
    /// The turn is over; the loop calls this once for each call of ``EventLoop/atEndOfTurn(_:)``.
    func turnEnded()
}

extension EventLoop {
    /// Calls the handler at the end of this turn.
    ///
    /// If a turn is already ending, the loop calls the handler at the end of the next turn, which then begins without waiting: so
    /// every turn ends, whatever handlers request. The handler must not make the request twice.
    package func atEndOfTurn(_ handler: any TurnEndHandler) {
        if isEndingTurn { nextTurn.append(handler) } else { turnEnds.append(handler) }
    }

    /// Calls the handler at the end of the next turn, which begins without waiting.
    ///
    /// For a handler that has used up its share of this turn.
    package func atEndOfNextTurn(_ handler: any TurnEndHandler) {
        nextTurn.append(handler)
    }

    private func endTurn() {
        isEndingTurn = true
        for handler in turnEnds { handler.turnEnded() }
        isEndingTurn = false
        turnEnds.removeAll(keepingCapacity: true)
        swap(&turnEnds, &nextTurn)
    }
}

// MARK: - Timers

extension EventLoop {
    func schedule(_ loopTimer: LoopTimer, at deadline: Instant) {
        timers.schedule(loopTimer, at: deadline)
    }

    func cancel(_ loopTimer: LoopTimer) {
        timers.cancel(loopTimer)
    }

    private func fireTimers() {
        guard let first = timers.firstDeadline, first <= now else { return }
        while let due = timers.takeDue(at: now) { due.fire() }
    }
}

// MARK: - Messages from other threads

extension EventLoop {
    func add(_ mailbox: any MailboxDrain) {
        mailboxes.append(mailbox)
    }

    private func drainMailboxes() {
        for mailbox in mailboxes { mailbox.drain() }
    }
}
