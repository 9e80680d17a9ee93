import Platform

/// Detects that the machine was asleep: during sleep the clock of the loops stands still, but the peers' time goes on.
package struct SleepWatch {
    private var asleep = SystemClock.nanosecondsAsleep

    /// The shortest sleep that counts, in nanoseconds.
    ///
    /// A shorter sleep has no effect, and the two clocks are not read at exactly the same moment.
    private static let minSleep: UInt64 = 1_000_000_000

    package init() {}

    /// Whether the machine has slept since the last call.
    package mutating func hasSlept() -> Bool {
        let now = SystemClock.nanosecondsAsleep
        defer { asleep = now }
        return now > asleep && now - asleep >= Self.minSleep
    }
}
