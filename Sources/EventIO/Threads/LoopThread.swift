import Basics
import CLibuv
import Platform
import Synchronization

/// A thread, usually with an event loop of its own.
///
/// The body runs on the new thread and creates all objects of the loop there, so none of them crosses threads; the compiler
/// checks that.
package final class LoopThread: Sendable {
    // Written once, before another thread can see this object.
    private nonisolated(unsafe) var thread = uv_thread_t()
    /// Whether the thread still needs a join or a detach, without which the system would keep its stack.
    private let isJoinable = Atomic<Bool>(false)

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a thread.
    ///
    /// - Parameters:
    ///   - name: the name that tools show; they show at most 15 bytes of it.
    ///   - body: called on the thread, which ends when the call returns.
    /// - Throws: the system error.
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemFailure) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        let code = uv_thread_create(
            &thread,
            { pointer in
                guard let pointer else { return }
                let start = Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue()
                ThreadControl.setName(start.name)
                start.body()
            },
            start.toOpaque()
        )
        guard code == 0 else {
            start.release()
            throw SystemFailure("thread", code: -code)
        }
        isJoinable.store(true, ordering: .relaxed)
    }

    deinit {
        if isJoinable.load(ordering: .relaxed) { pthread_detach(thread) }
    }

    /// Waits until the thread has ended; call it at most once.
    package func join() {
        isJoinable.store(false, ordering: .relaxed)
        uv_thread_join(&thread)
    }

    /// Waits until the thread has ended, but not longer than `limit`.
    ///
    /// Do not call it again after it has returned true.
    ///
    /// - Returns: whether the thread has ended.
    package func join(within limit: Duration) -> Bool {
        let hasEnded = ThreadControl.join(thread, withinNanoseconds: limit.wholeNanoseconds)
        if hasEnded { isJoinable.store(false, ordering: .relaxed) }
        return hasEnded
    }
}
