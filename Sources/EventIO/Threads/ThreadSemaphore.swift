import CLibuv

/// A counting semaphore: one thread waits until another one posts.
package final class ThreadSemaphore: Sendable {
    // Any thread may use a semaphore of libuv.
    private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<uv_sem_t>

    package init() {
        semaphore = .allocate(capacity: 1)
        uv_sem_init(semaphore, 0)
    }

    deinit {
        uv_sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Wakes one waiting thread, or lets the next call of ``wait()`` return at once.
    package func post() {
        uv_sem_post(semaphore)
    }

    /// Blocks until there is a ``post()`` for this call.
    package func wait() {
        uv_sem_wait(semaphore)
    }
}
