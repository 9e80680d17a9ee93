package import CPlatform

/// What a thread asks of the system for itself.
///
/// Every call but ``join(_:within:)`` is about the calling thread.
package enum ThreadControl {
    /// Names the thread, for tools; at most 15 bytes of the name are kept.
    package static func setName(_ name: String) {
        sly_name_thread(String(name.prefix(15)))
    }

    /// Asks for turns of about this many nanoseconds on the processor.
    ///
    /// The scheduler gives a thread with short turns the processor sooner after it wakes. Its share of the time stays. A kernel
    /// before Linux 6.12 ignores it.
    package static func shortenSlices(nanoseconds: UInt64) {
        sly_shorten_slices(nanoseconds)
    }

    /// Lowers the thread's priority by this many nice levels.
    package static func lowerPriority(by levels: Int32) {
        sly_lower_priority(levels)
    }

    /// Waits until another thread has ended, at most this many nanoseconds.
    ///
    /// - Returns: whether it has ended.
    package static func join(_ thread: pthread_t, withinNanoseconds limit: UInt64) -> Bool {
        sly_join(thread, limit) == 0
    }
}
