import CLinux

/// Notices that the machine was asleep: the clock of loops and timers stands still meanwhile, the rest of the world does
/// not.
package struct SleepWatch {
    private var asleep = sly_time_asleep()

    /// Less is no sleep that anybody could have noticed, and the two clocks are not read at the same moment.
    private static let shortest: UInt64 = 1_000_000_000

    package init() {}

    /// Whether the machine has slept since this was asked last.
    package mutating func hasSlept() -> Bool {
        let now = sly_time_asleep()
        defer { asleep = now }
        return now > asleep && now - asleep >= Self.shortest
    }
}
