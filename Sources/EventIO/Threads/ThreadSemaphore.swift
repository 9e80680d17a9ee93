import CLibuv

/// Lets one thread wait until another has something for it.
package final class ThreadSemaphore: Sendable {
    // libuv's semaphores are made for any thread.
    private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<uv_sem_t>

    package init() {
        semaphore = .allocate(capacity: 1)
        uv_sem_init(semaphore, 0)
    }

    deinit {
        uv_sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Lets one waiting thread go on, or the next one that waits.
    package func post() {
        uv_sem_post(semaphore)
    }

    /// Waits for a ``post()``.
    package func wait() {
        uv_sem_wait(semaphore)
    }
}
