/// A moment of a monotonic clock, in nanoseconds since the clock's start.
///
/// The core has no clock: its caller passes the time with every call. All loops of a process use one clock, so that their
/// moments can be compared.
@usableFromInline package struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since an arbitrary start; 2^64 of them last 584 years.
    @usableFromInline package let nanoseconds: UInt64

    /// The moment `nanoseconds` after the clock's start.
    @inlinable package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// The clock's start.
    @inlinable package static var start: Instant { Instant(nanoseconds: 0) }

    /// A moment that never comes: a deadline that is switched off.
    @inlinable package static var distantFuture: Instant { Instant(nanoseconds: .max) }

    /// The moment `duration` later, at most ``distantFuture``; a negative duration counts as zero.
    package func advanced(by duration: Duration) -> Instant {
        advanced(by: TimeSpan(duration))
    }

    /// The moment `span` later, at most ``distantFuture``.
    @inlinable package func advanced(by span: TimeSpan) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(span.nanoseconds)
        return overflow ? .distantFuture : Instant(nanoseconds: sum)
    }

    /// The time from `earlier` to this moment; zero if `earlier` is not before it.
    @inlinable package func span(since earlier: Instant) -> TimeSpan {
        TimeSpan(nanoseconds: nanoseconds > earlier.nanoseconds ? nanoseconds &- earlier.nanoseconds : 0)
    }

    /// The time from `earlier` to this moment; zero if `earlier` is not before it.
    package func duration(since earlier: Instant) -> Duration {
        span(since: earlier).duration
    }

    @inlinable package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    @inlinable package static func == (left: Instant, right: Instant) -> Bool {
        left.nanoseconds == right.nanoseconds
    }
}

/// A length of time in whole nanoseconds, for values that are computed on every loop turn.
///
/// `Duration` counts attoseconds in 128 bits, which would be measurably slower there.
@usableFromInline package struct TimeSpan: Comparable, Hashable, Sendable {
    /// The number of nanoseconds; 2^64 of them last 584 years.
    @usableFromInline package let nanoseconds: UInt64

    /// A time span of `nanoseconds`.
    @inlinable package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// A duration in whole nanoseconds; a negative one is zero, one of more than 584 years is 584 years.
    package init(_ duration: Duration) {
        self.init(nanoseconds: duration.wholeNanoseconds)
    }

    /// The same time as a `Duration`, at most 292 years.
    package var duration: Duration { .nanoseconds(Int64(clamping: nanoseconds)) }

    @inlinable package static func microseconds(_ count: UInt64) -> TimeSpan {
        TimeSpan(nanoseconds: count * 1000)
    }

    @inlinable package static func milliseconds(_ count: UInt64) -> TimeSpan {
        TimeSpan(nanoseconds: count * 1_000_000)
    }

    @inlinable package static func < (left: TimeSpan, right: TimeSpan) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    @inlinable package static func == (left: TimeSpan, right: TimeSpan) -> Bool {
        left.nanoseconds == right.nanoseconds
    }

    @inlinable package static func * (span: TimeSpan, factor: UInt64) -> TimeSpan {
        TimeSpan(nanoseconds: span.nanoseconds * factor)
    }
}

extension Duration {
    /// The duration in nanoseconds, never negative, at most 584 years.
    package var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return .max }
        let (sum, carry) = whole.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000)
        return carry ? .max : sum
    }
}
