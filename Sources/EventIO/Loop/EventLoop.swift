package import Basics
import CLibuv
import Platform

/// An event loop on one thread: sockets, timers, messages from other threads, and work at the end of every turn.
///
/// `uv_run` is the loop, and a turn is one pass of it:
/// ```
/// uv_prepare   beforeWaiting: settles what sockets ask for, and decides how long to wait
///   waiting    libuv waits, then calls the sources whose descriptors are ready
/// uv_check     afterWaiting: fires the timers that are due, then calls the handlers of the turn's end
/// ```
/// A turn in which nothing happened because the loop polls busily (``BusyPoll``) goes on with the next pass
/// (docs/decisions/0023-libuv-drives-the-loop.md).
///
/// Everything here is confined to the thread that made the loop; other threads use ``LoopWaker`` and ``Mailbox``.
package final class EventLoop {
    let sockets: SocketPoller
    let libuv: LibuvLoop
    /// Wakes the loop from any thread.
    package let waker: LoopWaker

    // Private, and read through the accessor: the compiler then knows every access, and checks none of them at run time.
    private var turnBegan: Instant
    private let thread: uv_thread_t
    private var timers = TimerHeap()
    private var isStopping = false
    private var turnEnds: [any TurnEndHandler] = []
    private var isEndingTurn = false
    private var nextTurn: [any TurnEndHandler] = []
    private var mailboxes: [any MailboxDrain] = []
    private var wakeSource: WakeSource?
    /// Whether a source was called since the last turn ended.
    private var hasHappened = false
    private var busyPoll: BusyPoll
    /// How many bytes the loop's sockets read in this turn.
    var turnBytes = 0
    /// How many turns there were.
    private(set) var turns: UInt64 = 0

    /// The clock when this turn began.
    package var now: Instant { turnBegan }

    /// The version of libuv that was loaded, such as "1.44.2".
    package static var libraryVersion: String { String(cString: uv_version_string()) }

    /// The clock of all loops; safe from any thread.
    package static var clock: Instant { Instant(nanoseconds: uv_hrtime()) }

    /// How many turns follow ``stop()`` at most: one for what was asked for, one for what comes of it.
    private static let lastTurns = 2

    /// How long the thread may keep a processor that others want, in nanoseconds.
    ///
    /// The kernel gives a thread with short slices the processor sooner when it wakes, so an urgent answer overtakes the bulk of
    /// other threads. Shorter: bulk pays for the changes. Longer: at the system's own 3 ms, an answer beside bulk on a busy
    /// machine waits half a millisecond every hundredth time.
    private static let slice: UInt64 = 100_000

    /// A loop of the calling thread.
    ///
    /// - Parameter pollsBusily: whether the loop polls for a moment before its thread blocks, where that pays (``BusyPoll``).
    /// - Throws: the system's refusal: usually there are no descriptors left.
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
        // The last words of those who are stopping; a handler that always asks for one more turn does not get it.
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

    /// How often the system refused to watch a socket on: the user's watches are used up (`fs.epoll.max_user_watches`).
    package var refusedWatches: Int { sockets.refusals }

    /// Frees what the loop keeps for descriptors that it no longer has; call it after many sockets were closed.
    package func trim() {
        sockets.trim()
    }
}

// MARK: - Waiting

extension EventLoop {
    /// Something has happened: the first time in a turn, the clock is read.
    func somethingHappened() {
        guard !hasHappened else { return }
        hasHappened = true
        turnBegan = Self.clock
    }

    /// Settles what sockets ask for, and decides how long libuv waits.
    private func beforeWaiting() {
        // Nothing has happened since the loop began to poll: everything is settled.
        if busyPoll.isPolling { return }
        busyPoll.turnEnded(bytes: turnBytes, began: turnBegan)
        turnBytes = 0
        guard turnEnds.isEmpty else {
            sockets.settle(isWaiting: false, at: now)
            // A source that could not be watched was told so.
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

    /// Ends the turn, unless nothing has happened and the loop goes on polling.
    private func afterWaiting() {
        if busyPoll.isPolling {
            guard hasHappened else {
                // Other threads may have the processor between one poll and the next.
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

/// Has work at the end of a turn, when everything that happened in it is known.
package protocol TurnEndHandler: AnyObject {
    /// The turn is over; called once for each call of ``EventLoop/atEndOfTurn(_:)``.
    func turnEnded()
}

extension EventLoop {
    /// Calls the handler at the end of this turn.
    ///
    /// During the end of a turn, it calls the handler at the end of the next turn, which then begins without waiting: so
    /// every turn ends, whatever handlers ask for. The handler makes sure not to ask twice.
    package func atEndOfTurn(_ handler: any TurnEndHandler) {
        if isEndingTurn { nextTurn.append(handler) } else { turnEnds.append(handler) }
    }

    /// Calls the handler at the end of the next turn, which begins without waiting: for a handler that has done enough for
    /// now.
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
