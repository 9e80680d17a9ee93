import CLinux

/// What is asked of the system for the process as a whole, once, before anything is started.
package enum ProcessSetup {
    /// Prepares the process to hold many sockets for a long time.
    ///
    /// It may have as many descriptors as it is allowed at all, and memory that is freed in large pieces goes back to the
    /// system: by its own rules, the C library would begin to keep them after the first was freed. There are passwords
    /// and keys in that memory, so it is not written to a file when the process crashes.
    package static func prepare() {
        EventLoop.ignoreBrokenPipes()
        sly_raise_descriptor_limit()
        sly_return_large_blocks()
        sly_leave_no_core()
    }

    /// Gives pages of the heap that nothing is on any more back to the system; takes a millisecond for some megabytes.
    package static func returnHeap() {
        sly_return_heap()
    }
}
