import Platform

/// Notices that the machine was asleep: the clock of loops stands still meanwhile, the rest of the world does not.
package struct SleepWatch {
    private var asleep = SystemClock.nanosecondsAsleep

    /// A shorter sleep has no effect on anything, and the two clocks are not read at the same moment.
    private static let minSleep: UInt64 = 1_000_000_000

    package init() {}

    /// Whether the machine has slept since the last call.
    package mutating func hasSlept() -> Bool {
        let now = SystemClock.nanosecondsAsleep
        defer { asleep = now }
        return now > asleep && now - asleep >= Self.minSleep
    }
}
