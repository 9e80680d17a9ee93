extension UInt64 {
    /// A moment so long after this one, in nanoseconds.
    ///
    /// Never past the end of the clock; a negative duration counts as none.
    package func addingClamped(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return self }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return .max }
        let (sum, carry) = addingReportingOverflow(whole)
        guard !carry else { return .max }
        let (result, last) = sum.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000)
        return last ? .max : result
    }
}
