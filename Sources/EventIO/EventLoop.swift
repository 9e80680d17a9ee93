import CLibuv
import CLinux
import Glibc

/// One libuv loop on one thread: sockets, timers, messages from other threads, and work at the end of every turn.
///
/// Sockets are not libuv's: the loop polls one descriptor, an epoll instance in which all sockets are registered once,
/// edge-triggered (``SocketPoller``). libuv 1.44 would change a registration twice for every pause and every resumption,
/// and read into one run of memory at a time (docs/decisions/0002-sockets-beside-libuv.md).
///
/// Everything here is confined to the thread that made the loop; ``LoopWaker`` and ``Mailbox`` are the way in from others.
package final class EventLoop {
    let uv: UnsafeMutablePointer<uv_loop_t>
    let sockets: SocketPoller
    /// Wakes the loop from any thread.
    package let waker: LoopWaker

    /// Nanoseconds of the system's monotonic clock when this turn began.
    package private(set) var now: UInt64

    private let prepare: UnsafeMutablePointer<uv_prepare_t>
    private let idle: UnsafeMutablePointer<uv_idle_t>
    private let timer: UnsafeMutablePointer<uv_timer_t>
    private let thread: uv_thread_t
    private var timers = TimerHeap()
    private var armedFor = UInt64.max
    private var isIdling = false
    private var isStopping = false
    private var turnEnds: [any TurnEndHandler] = []
    private var isEndingTurn = false
    private var nextTurn: [any TurnEndHandler] = []
    private var mailboxes: [any MailboxDrain] = []
    private var wakeSource: WakeSource?

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
    /// - Throws: what the system refuses: usually that there are no descriptors left.
    package init() throws(SystemFailure) {
        uv = .allocate(capacity: 1)
        prepare = .allocate(capacity: 1)
        idle = .allocate(capacity: 1)
        timer = .allocate(capacity: 1)
        now = uv_hrtime()
        thread = uv_thread_self()
        waker = try LoopWaker()
        let code = uv_loop_init(uv)
        guard code == 0 else { throw SystemFailure("uv_loop_init", code: -code) }
        do throws(SystemFailure) { sockets = try SocketPoller(uv) } catch {
            uv_loop_close(uv)
            throw error
        }
        uv_prepare_init(uv, prepare)
        uv_idle_init(uv, idle)
        uv_timer_init(uv, timer)
        let this = Unmanaged.passUnretained(self).toOpaque()
        for handle in [prepare.asHandle, idle.asHandle, timer.asHandle, sockets.handle.asHandle] {
            handle.pointee.data = this
        }
        uv_prepare_start(prepare) { EventLoop.of($0)?.endTurn() }
        uv_poll_start(sockets.handle, Int32(UV_READABLE.rawValue)) { handle, _, _ in
            EventLoop.of(handle)?.pollSockets()
        }
        let source = WakeSource(waker) { [unowned self] in drainMailboxes() }
        try sockets.add(source, [.readable, .edge])
        wakeSource = source
    }

    deinit {
        // Every handle is the loop's own, and libuv frees a handle only after its close callback has run.
        for handle in [prepare.asHandle, idle.asHandle, timer.asHandle, sockets.handle.asHandle] {
            uv_close(handle, nil)
        }
        while uv_run(uv, UV_RUN_DEFAULT) != 0 {}
        uv_loop_close(uv)
        sockets.free()
        prepare.deallocate()
        idle.deallocate()
        timer.deallocate()
        uv.deallocate()
    }

    /// Runs until ``stop()`` is called.
    package func run() {
        precondition(isOnLoop, "an event loop runs on the thread that made it")
        sly_shorten_slices(Self.slice)
        while !isStopping { uv_run(uv, UV_RUN_ONCE) }
        // Last words; who asks for more and more has none.
        for _ in 0..<Self.lastTurns where !turnEnds.isEmpty { endTurn() }
    }

    /// Ends ``run()`` after this turn.
    package func stop() {
        isStopping = true
        uv_stop(uv)
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
        armTimer()
        spin(!turnEnds.isEmpty || sockets.hasMore)
    }

    /// While libuv has an idle handle, it does not wait for anything.
    private func spin(_ isWanted: Bool) {
        guard isWanted != isIdling else { return }
        isIdling = isWanted
        if isWanted { uv_idle_start(idle) { _ in } } else { uv_idle_stop(idle) }
    }

    private func pollSockets() {
        now = uv_hrtime()
        sockets.dispatch()
    }

    private static func of<Handle>(_ handle: UnsafeMutablePointer<Handle>?) -> EventLoop? {
        guard let handle, let data = handle.asHandle.pointee.data else { return nil }
        return Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue()
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

    /// One libuv timer serves all of ours; it is set anew only when the first deadline has moved.
    private func armTimer() {
        let first = timers.firstDeadline ?? .max
        guard first != armedFor else { return }
        armedFor = first
        guard first != .max else {
            uv_timer_stop(timer)
            return
        }
        uv_update_time(uv)
        let time = uv_hrtime()
        let delay = first > time ? (first - time + 999_999) / 1_000_000 : 0
        uv_timer_start(timer, { EventLoop.of($0)?.fireTimers() }, delay, 0)
    }

    private func fireTimers() {
        armedFor = .max
        now = uv_hrtime()
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

// MARK: - Handles

extension UnsafeMutablePointer {
    /// The handle as libuv's base type: every handle begins with its fields.
    var asHandle: UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(self).assumingMemoryBound(to: uv_handle_t.self)
    }
}
