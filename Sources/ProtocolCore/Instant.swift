/// A moment of the caller's monotonic clock.
///
/// The core has no clock: it is told the time with every call.
package struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since an arbitrary start; 2^64 of them last 584 years.
    package let nanoseconds: UInt64

    /// The moment that many nanoseconds after the start of the caller's clock.
    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// A moment that never comes: a deadline that is switched off.
    package static let distantFuture = Instant(nanoseconds: .max)

    /// The moment `duration` later; a negative duration counts as zero, and the end of time is not passed.
    package func advanced(by duration: Duration) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return overflow ? .distantFuture : Instant(nanoseconds: sum)
    }

    /// How long after `earlier` this is; zero when it is not after it.
    package func duration(since earlier: Instant) -> Duration {
        guard nanoseconds > earlier.nanoseconds else { return .zero }
        return .nanoseconds(Int64(clamping: nanoseconds - earlier.nanoseconds))
    }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
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
