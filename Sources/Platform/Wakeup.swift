import CPlatform
package import SystemPackage

/// A descriptor that any thread can make readable, so that a loop that waits for it wakes.
///
/// Both descriptors are closed when it is freed, so whoever can wake the loop holds it: the number never becomes another
/// descriptor's meanwhile.
package final class WakeDescriptor: Sendable {
    /// The descriptor to wait for.
    package let descriptor: Int32
    private let writing: Int32

    /// Opens it.
    package init() throws(Errno) {
        var reading: Int32 = -1
        var writing: Int32 = -1
        let code = sly_open_waker(&reading, &writing)
        guard code == 0 else { throw Errno(rawValue: -code) }
        descriptor = reading
        self.writing = writing
    }

    deinit {
        close(descriptor)
        if writing != descriptor { close(writing) }
    }

    /// Makes the descriptor readable; safe from any thread.
    package func wake() { sly_wake(writing) }

    /// Makes it unreadable again; for the thread that waits.
    package func drain() { sly_drain_waker(descriptor) }
}

/// Room in the poller of an event loop.
package enum WatchReservation {
    /// Makes sure that libuv can watch the descriptor, after `uv_poll_start` and before the loop runs on.
    ///
    /// libuv ends the process when the system refuses a watch, as Linux does when the user has too many of them
    /// (`fs.epoll.max_user_watches`), or when somebody closed the descriptor. Asked here, the system's refusal is an error.
    ///
    /// - Returns: 0, or the error number.
    package static func reserve(_ descriptor: Int32, poller: Int32) -> Int32 {
        -sly_reserve_watch(poller, descriptor)
    }
}
