import Synchronization

/// How much a session has moved lately, in steps of a twentieth of a second.
struct TrafficMeter {
    private var windowStart: UInt64 = 0
    private var inWindow = 0
    private var inLastWindow = 0
    private var lastWindowStart: UInt64 = 0
    /// Since when everything comes from streams that are still there.
    private var clearedAt: UInt64 = 0

    /// Long enough to tell bulk from a burst, short enough that a session that has just finished counts as idle.
    private static let window: UInt64 = 50_000_000
    /// 20 MB/s: a single interactive stream never does it, and a stream beside it would feel it.
    static let busyBytes = 1 << 20

    mutating func add(_ count: Int, at now: UInt64) {
        advance(to: now)
        inWindow += count
    }

    /// How many bytes were moved in this window or the last, whichever is more.
    func recent(at now: UInt64) -> Int {
        let age = now &- windowStart
        if age < Self.window { return max(inWindow, inLastWindow) }
        return age < 2 * Self.window ? inWindow : 0
    }

    /// How many bytes were moved in the last window that is over.
    ///
    /// Of streams that came together the first would otherwise drive away those that have not moved anything only because
    /// they came a moment later.
    func settled(at now: UInt64) -> Int {
        let age = now &- windowStart
        if age < Self.window { return lastWindowStart >= clearedAt ? inLastWindow : 0 }
        return age < 2 * Self.window && windowStart >= clearedAt ? inWindow : 0
    }

    /// All streams are gone: what they moved says nothing about those that will come.
    mutating func clear(at now: UInt64) {
        clearedAt = now
    }

    func isBusy(at now: UInt64) -> Bool { recent(at: now) >= Self.busyBytes }

    private mutating func advance(to now: UInt64) {
        let age = now &- windowStart
        guard age >= Self.window else { return }
        inLastWindow = age < 2 * Self.window ? inWindow : 0
        lastWindowStart = windowStart
        inWindow = 0
        windowStart = now
    }
}

/// How much all links of a loop have moved lately, told to other threads.
///
/// Written by the loop's thread, read by any.
package final class TrafficGauge: Sendable {
    private let bytes = Atomic<Int>(0)
    private let settledBytes = Atomic<Int>(0)
    private let measuredAt = Atomic<UInt64>(0)

    /// A measurement is believed for so long: a loop that has nothing to do does not tell.
    private static let lifetime: UInt64 = 100_000_000

    package init() {}

    /// How many bytes were moved in a twentieth of a second, by streams that are not only just here.
    package func settled(at now: UInt64) -> Int {
        isBelieved(at: now) ? settledBytes.load(ordering: .relaxed) : 0
    }

    /// Whether the loop's links move something, but no bulk: somebody may be waiting for an answer.
    func isInteractive(at now: UInt64) -> Bool {
        isBelieved(at: now) && (1..<TrafficMeter.busyBytes).contains(bytes.load(ordering: .relaxed))
    }

    private func isBelieved(at now: UInt64) -> Bool {
        // The other loop's turn may have begun after this one's.
        let measured = measuredAt.load(ordering: .relaxed)
        return measured > now || now - measured < Self.lifetime
    }

    func set(recent: Int, settled: Int, at now: UInt64) {
        bytes.store(recent, ordering: .relaxed)
        settledBytes.store(settled, ordering: .relaxed)
        measuredAt.store(now, ordering: .relaxed)
    }
}
