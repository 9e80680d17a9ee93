import CPlatform
package import SystemPackage

/// A descriptor that any thread can make readable, to wake a loop that polls it.
///
/// Both descriptors are closed when the object is released. Every thread that may wake the loop holds a reference, so that the
/// descriptor's number is not reused in the meantime.
package final class WakeDescriptor: Sendable {
    /// The descriptor to poll.
    package let descriptor: Int32
    private let writing: Int32

    /// Opens the descriptors.
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

    /// Makes the descriptor unreadable again; call it on the thread that polls.
    package func drain() { sly_drain_waker(descriptor) }
}

/// Reserves room in the poller of an event loop.
package enum WatchReservation {
    /// Makes sure that libuv can watch the descriptor; call it after `uv_poll_start` and before the loop continues.
    ///
    /// libuv aborts the process if the system refuses a watch. Linux refuses it if the user has too many watches
    /// (`fs.epoll.max_user_watches`), or if the descriptor was closed. This call returns that refusal as an error instead.
    ///
    /// - Returns: 0, or the error number.
    package static func reserve(_ descriptor: Int32, poller: Int32) -> Int32 {
        -sly_reserve_watch(poller, descriptor)
    }
}
