import CLibuv
import Synchronization

/// Wakes a loop from any thread.
package final class LoopWaker: Sendable {
    // uv_async_send is the one libuv call that any thread may make. The handle's memory lives as long as this object,
    // and the flag keeps a late caller from touching a handle that is closed.
    nonisolated(unsafe) let handle: UnsafeMutablePointer<uv_async_t>
    private let isOpen = Mutex(true)

    init(_ uv: UnsafeMutablePointer<uv_loop_t>) throws(SystemFailure) {
        handle = .allocate(capacity: 1)
        let code = uv_async_init(uv, handle, nil)
        guard code == 0 else { throw SystemFailure("uv_async_init", code: -code) }
    }

    deinit {
        handle.deallocate()
    }

    /// Sets what the loop's thread does when it was woken.
    func start(_ callback: @escaping @convention(c) (UnsafeMutablePointer<uv_async_t>?) -> Void) {
        handle.pointee.async_cb = callback
    }

    /// Wakes the loop; many calls before it wakes are one.
    package func wake() {
        isOpen.withLock { isOpen in
            if isOpen { uv_async_send(handle) }
        }
    }

    /// On the loop's thread, before the loop is closed.
    func close() {
        isOpen.withLock { $0 = false }
        uv_close(handle.asHandle, nil)
    }
}
