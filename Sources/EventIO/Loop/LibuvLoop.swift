import Basics
import CLibuv

/// libuv's loop with the four handles that divide it into turns; ``EventLoop`` decides when each of them is active.
///
/// Confined to its loop's thread.
final class LibuvLoop {
    /// libuv's loop; its `data` is the ``EventLoop`` that owns this, unretained.
    let uv: UnsafeMutablePointer<uv_loop_t>
    /// Called before each wait.
    let prepare: UnsafeMutablePointer<uv_prepare_t>
    /// Called after each wait.
    let check: UnsafeMutablePointer<uv_check_t>
    /// While it is active, libuv does not wait.
    private let idle: UnsafeMutablePointer<uv_idle_t>
    /// Ends the wait at the earliest deadline.
    private let timer: UnsafeMutablePointer<uv_timer_t>
    private var isIdle = false
    /// The deadline for which ``timer`` was started; nil if the timer is not active.
    private var alarm: Instant?
    /// Name look-ups that libuv has not finished.
    private var lookups: [ObjectIdentifier: any PendingRequest] = [:]
    /// Whether libuv may have opened descriptors of its own after the loop was created, as it does for signals.
    var opensDescriptors = false

    init() throws(SystemFailure) {
        uv = .allocate(capacity: 1)
        let code = uv_loop_init(uv)
        guard code == 0 else {
            uv.deallocate()
            throw SystemFailure("uv_loop_init", code: -code)
        }
        prepare = .allocate(capacity: 1)
        check = .allocate(capacity: 1)
        idle = .allocate(capacity: 1)
        timer = .allocate(capacity: 1)
        // These four cannot fail.
        uv_prepare_init(uv, prepare)
        uv_check_init(uv, check)
        uv_idle_init(uv, idle)
        uv_timer_init(uv, timer)
    }

    deinit {
        for lookup in lookups.values where !lookup.cancel() {
            // A thread of libuv's pool is waiting for a name server and will write to the loop. Waiting for the thread could take
            // half a minute. Leaking the loop costs a few kilobytes and three descriptors.
            return
        }
        uv_walk(
            uv,
            { handle, _ in
                guard let handle, uv_is_closing(handle) == 0 else { return }
                // Every handle of this loop was allocated by `allocate`.
                uv_close(handle) { $0?.deallocate() }
            },
            nil
        )
        // The memory of a handle is freed in its close callback, which needs a run of the loop.
        while uv_run(uv, UV_RUN_DEFAULT) != 0 {}
        uv_loop_close(uv)
        uv.deallocate()
    }

    /// Makes libuv poll without waiting while `wanted` is true.
    func setIdle(_ wanted: Bool) {
        guard wanted != isIdle else { return }
        isIdle = wanted
        if wanted { uv_idle_start(idle) { _ in } } else { uv_idle_stop(idle) }
    }

    /// Ends the next wait at a deadline, or lets it last until an event arrives.
    ///
    /// - Parameters:
    ///   - deadline: the end of the wait; nil for no end.
    ///   - now: the loop's clock, read just before the call.
    func setAlarm(_ deadline: Instant?, at now: Instant) {
        guard deadline != alarm else { return }
        alarm = deadline
        guard let deadline else {
            uv_timer_stop(timer)
            return
        }
        // libuv counts whole milliseconds from its own reading of the clock, so the delay is rounded up: rounded down, the loop
        // would wake too early and wait again.
        uv_update_time(uv)
        let nanoseconds = deadline.span(since: now).nanoseconds
        let milliseconds = nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 == 0 ? 0 : 1)
        uv_timer_start(timer, { $0?.pointee.loop.withOwner { $0.libuv.alarm = nil } }, milliseconds, 0)
    }

    func began(_ lookup: any PendingRequest) {
        lookups[ObjectIdentifier(lookup)] = lookup
    }

    func finished(_ lookup: any PendingRequest) {
        lookups[ObjectIdentifier(lookup)] = nil
    }
}

/// A request that libuv processes in its thread pool.
protocol PendingRequest: AnyObject {
    /// Drops the completion, and cancels the request in libuv if no thread has started it.
    ///
    /// - Returns: whether libuv has cancelled the request.
    func cancel() -> Bool
}

extension UnsafeMutablePointer {
    /// The handle as libuv's base type: every handle begins with its fields.
    var asHandle: UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(self).assumingMemoryBound(to: uv_handle_t.self)
    }
}

extension UnsafeMutablePointer<uv_loop_t> {
    /// Calls `body` with the event loop that owns this libuv loop, unless the event loop is being freed.
    ///
    /// Every callback of libuv runs within ``EventLoop/run()``, whose caller retains the loop: no retain is needed here.
    @inline(__always)
    func withOwner(_ body: (EventLoop) -> Void) {
        guard let data = pointee.data else { return }
        Unmanaged<EventLoop>.fromOpaque(data)._withUnsafeGuaranteedRef(body)
    }
}
