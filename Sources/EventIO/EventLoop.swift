import CLibuv
import CLinux
import Glibc

/// One event loop on one thread: sockets, timers, messages from other threads, and work at the end of every turn.
///
/// It waits in one epoll instance, in which all sockets are registered once, edge-triggered (``SocketPoller``), and libuv's
/// loop, which watches signals and looks up names, as one descriptor among them (``LibuvLoop``). libuv 1.44 would change a
/// registration twice for every pause and every resumption, and read into one run of memory at a time
/// (docs/decisions/0002-sockets-beside-libuv.md, 0015-libuv-is-the-guest.md).
///
/// Everything here is confined to the thread that made the loop; ``LoopWaker`` and ``Mailbox`` are the way in from others.
package final class EventLoop {
    let sockets: SocketPoller
    let libuv: LibuvLoop
    /// Wakes the loop from any thread.
    package let waker: LoopWaker

    /// Nanoseconds of the system's monotonic clock when this turn began.
    package private(set) var now: UInt64

    private let thread: uv_thread_t
    private var timers = TimerHeap()
    private var isStopping = false
    private var turnEnds: [any TurnEndHandler] = []
    private var isEndingTurn = false
    private var nextTurn: [any TurnEndHandler] = []
    private var mailboxes: [any MailboxDrain] = []
    private var wakeSource: WakeSource?
    /// Nil where the thread always sleeps at once.
    private var busyPoll: BusyPoll?
    /// How many bytes its sockets gave in this turn.
    var turnBytes = 0

    /// The version of libuv that was loaded, such as "1.44.2".
    package static var libraryVersion: String { String(cString: uv_version_string()) }

    /// How many turns there are after the loop was stopped, at most: one for what was asked for, one for what comes of it.
    private static let lastTurns = 2

    /// How long the thread may hold a processor that others want, in nanoseconds.
    ///
    /// The kernel gives a thread with short slices the processor sooner when it wakes: what is urgent passes by the bulk
    /// of other threads, ours among them. Shorter, and bulk pays for the changes; at the system's own 3 ms, a question
    /// beside bulk on a busy machine waits for half a millisecond every hundredth time.
    private static let slice: UInt64 = 100_000

    /// A loop of the calling thread.
    ///
    /// One that polls busily stays awake for a moment when it has nothing to do, as long as that pays (``BusyPoll``).
    ///
    /// - Throws: what the system refuses: usually that there are no descriptors left.
    package init(pollsBusily: Bool = false) throws(SystemFailure) {
        busyPoll = pollsBusily ? BusyPoll() : nil
        now = uv_hrtime()
        thread = uv_thread_self()
        waker = try LoopWaker()
        sockets = try SocketPoller()
        libuv = try LibuvLoop()
        try sockets.add(libuv, .readable)
        let source = WakeSource(waker) { [unowned self] in drainMailboxes() }
        try sockets.add(source, [.readable, .edge])
        wakeSource = source
    }

    /// Runs until ``stop()`` is called.
    package func run() {
        precondition(isOnLoop, "an event loop runs on the thread that made it")
        sly_shorten_slices(Self.slice)
        endTurn()
        while !isStopping {
            wait()
            now = uv_hrtime()
            sockets.dispatch()
            fireTimers()
            libuv.attendIfAsked()
            endTurn()
        }
        // Last words; who asks for more and more has none.
        for _ in 0..<Self.lastTurns where !turnEnds.isEmpty { endTurn() }
    }

    /// Ends ``run()`` after this turn.
    package func stop() {
        isStopping = true
    }

    /// Whether the calling thread is the loop's.
    package var isOnLoop: Bool {
        var own = uv_thread_self()
        return withUnsafePointer(to: thread) { uv_thread_equal($0, &own) != 0 }
    }

    /// Reads the clock again: after work that took long.
    package func refreshTime() {
        now = uv_hrtime()
    }
}

// MARK: - Waiting

extension EventLoop {
    /// Waits until something happens, a timer is due or somebody has more to do.
    private func wait() {
        busyPoll?.turnMoved(turnBytes, at: now)
        turnBytes = 0
        let patience = patience
        switch patience.isLong ? poll() : nil {
        case .found: break
        case nil: sockets.wait(patience)
        // Time has gone by meanwhile.
        case .nothing, .crowded: sockets.wait(self.patience)
        }
    }

    /// Looks again for a moment, if that is worthwhile.
    private func poll() -> BusyPoll.Outcome? {
        guard let busyPoll else { return nil }
        let start = uv_hrtime()
        guard busyPoll.isWorthwhile(at: start) else { return nil }
        let outcome = look(from: start)
        self.busyPoll?.ended(outcome, at: start)
        return outcome
    }

    /// Looks again and again whether something has happened, and lets others have the processor in between.
    private func look(from start: UInt64) -> BusyPoll.Outcome {
        var last = start
        while last - start < BusyPoll.limit {
            sockets.wait(.none)
            if sockets.hasAny { return .found }
            sched_yield()
            let time = uv_hrtime()
            if time - last > BusyPoll.shortAbsence { return .crowded(time - last) }
            last = time
        }
        return .nothing
    }
}

// MARK: - Turns

/// Who has work at the end of a turn, when everything that happened in it is known.
package protocol TurnEndHandler: AnyObject {
    /// The turn is over; called once for each call of ``EventLoop/atEndOfTurn(_:)``.
    func turnEnded()
}

extension EventLoop {
    /// Calls the handler at the end of this turn.
    ///
    /// When the end has begun, at the end of the next turn, which then begins without waiting: so no turn is without end,
    /// whatever handlers ask for. The handler sees to it that it is not asked for twice.
    package func atEndOfTurn(_ handler: any TurnEndHandler) {
        if isEndingTurn { nextTurn.append(handler) } else { turnEnds.append(handler) }
    }

    /// Calls the handler at the end of the next turn, which begins without waiting: for who has done enough for now.
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
    func schedule(_ loopTimer: LoopTimer, at deadline: UInt64) {
        timers.schedule(loopTimer, at: deadline)
    }

    func cancel(_ loopTimer: LoopTimer) {
        timers.cancel(loopTimer)
    }

    private func fireTimers() {
        guard let first = timers.firstDeadline, first <= now else { return }
        while let due = timers.takeDue(at: now) { due.fire() }
    }

    /// How long there is nothing to do, if nothing happens: not at all while work is left for the next turn.
    private var patience: SocketPoller.Patience {
        if !turnEnds.isEmpty || sockets.hasMore || libuv.isAsked { return .none }
        guard let first = timers.firstDeadline else { return .endless }
        let time = uv_hrtime()
        return first > time ? .nanoseconds(first - time) : .none
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
