import CPlatform

/// What the process asks of the system for itself as a whole.
package enum ProcessControl {
    /// Prepares the process to hold many sockets and secrets for a long time; once, before anything is started.
    ///
    /// It raises the limit of descriptors to the hard limit. It lets large blocks of memory return to the system when they
    /// are freed; by default, the C library begins to keep them after the first one. It forbids memory images after a crash,
    /// because passwords and keys are in that memory.
    package static func prepare() {
        ignoreBrokenPipes()
        sly_raise_descriptor_limit()
        sly_map_large_blocks()
        sly_forbid_core_dumps()
    }

    /// Ignores SIGPIPE: a write to a connection that is gone fails where it happens, and the signal would end the process.
    package static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Returns free pages of the heap to the system; takes about a millisecond for each few megabytes.
    package static func trimHeap() {
        sly_trim_heap()
    }
}

/// The clocks of the system that a loop does not have.
package enum SystemClock {
    /// How many nanoseconds the machine has slept since it started; 0 where the system does not tell.
    package static var nanosecondsAsleep: UInt64 { sly_time_asleep() }

    /// Seconds and nanoseconds since 1970, UTC.
    package static var wallClock: (seconds: Int, nanoseconds: Int) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return (time.tv_sec, time.tv_nsec)
    }
}
