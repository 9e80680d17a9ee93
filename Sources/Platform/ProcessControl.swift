import CPlatform

/// Settings of the process as a whole.
package enum ProcessControl {
    /// Prepares the process to hold many sockets and secrets for a long time; call it once, before anything is started.
    ///
    /// It raises the limit of descriptors to the hard limit. It makes the C library return large blocks of memory to the
    /// system when they are freed; by default, the library begins to keep them after the first one. It disables core dumps,
    /// because memory contains passwords and keys.
    package static func prepare() {
        ignoreBrokenPipes()
        sly_raise_descriptor_limit()
        sly_map_large_blocks()
        sly_forbid_core_dumps()
    }

    /// Ignores SIGPIPE, which would end the process: a write to a closed connection then returns an error instead.
    package static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Returns free pages of the heap to the system; takes about a millisecond for each few megabytes.
    package static func trimHeap() {
        sly_trim_heap()
    }
}

/// The clocks of the system that a loop does not provide.
package enum SystemClock {
    /// The number of nanoseconds for which the machine has slept since it started; 0 if the system does not report it.
    package static var nanosecondsAsleep: UInt64 { sly_time_asleep() }

    /// Seconds and nanoseconds since 1970, UTC.
    package static var wallClock: (seconds: Int, nanoseconds: Int) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return (time.tv_sec, time.tv_nsec)
    }
}
