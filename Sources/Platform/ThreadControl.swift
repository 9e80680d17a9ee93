package import CPlatform

/// Settings of a thread.
///
/// Every call except ``join(_:withinNanoseconds:)`` affects the calling thread.
package enum ThreadControl {
    /// Names the thread, for debuggers and `top`; at most 15 bytes of the name are used.
    package static func setName(_ name: String) {
        sly_name_thread(String(name.prefix(15)))
    }

    /// Requests time slices of about this many nanoseconds.
    ///
    /// The scheduler gives a thread with short slices the processor sooner after it wakes. Its share of the time stays the
    /// same. A kernel before Linux 6.12 ignores the request.
    package static func shortenSlices(nanoseconds: UInt64) {
        sly_shorten_slices(nanoseconds)
    }

    /// Lowers the thread's priority by this many nice levels.
    package static func lowerPriority(by levels: Int32) {
        sly_lower_priority(levels)
    }

    /// Waits at most this many nanoseconds until another thread has ended.
    ///
    /// - Returns: whether it has ended.
    package static func join(_ thread: pthread_t, withinNanoseconds limit: UInt64) -> Bool {
        sly_join(thread, limit) == 0
    }
}
