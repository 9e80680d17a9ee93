import CLibuv
import CLinux
import Glibc
import Synchronization

/// A thread with an event loop of its own.
///
/// The body runs on the new thread and makes everything that lives on the loop there: nothing of it crosses threads, and
/// the compiler sees to it.
package final class LoopThread: Sendable {
    // Written once, before anybody else has this object.
    private nonisolated(unsafe) var thread = uv_thread_t()
    /// Whether there is a thread that nobody has waited for.
    private let isLoose = Atomic<Bool>(false)

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
    /// `name` is what tools show, at most 15 bytes of it. `body` is called on the thread, which ends when it returns.
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemFailure) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        let code = uv_thread_create(
            &thread,
            { pointer in
                guard let pointer else { return }
                let start = Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue()
                sly_name_thread(String(start.name.prefix(15)))
                start.body()
            },
            start.toOpaque()
        )
        guard code == 0 else {
            start.release()
            throw SystemFailure("thread", code: -code)
        }
        isLoose.store(true, ordering: .relaxed)
    }

    deinit {
        // Nobody waits for it any more: else its stack would be kept until somebody did.
        if isLoose.load(ordering: .relaxed) { pthread_detach(thread) }
    }

    /// Waits until the thread has ended; once.
    package func join() {
        isLoose.store(false, ordering: .relaxed)
        uv_thread_join(&thread)
    }

    /// Waits until the thread has ended, but so long at most; once.
    ///
    /// - Returns: whether it has ended.
    package func join(within patience: Duration) -> Bool {
        let hasEnded = sly_join(thread, UInt64(0).addingClamped(patience)) == 0
        if hasEnded { isLoose.store(false, ordering: .relaxed) }
        return hasEnded
    }
}
