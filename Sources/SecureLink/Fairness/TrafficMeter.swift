package import Basics
import Synchronization

/// How much a session has moved lately, in steps of a twentieth of a second.
struct TrafficMeter {
    private var windowStart = Instant.start
    private var inWindow = 0
    private var inLastWindow = 0
    private var lastWindowStart = Instant.start
    /// Since when everything comes from streams that are still there.
    private var clearedAt = Instant.start

    /// Long enough to tell bulk from a burst, short enough that a session that has just finished counts as idle.
    private static let window = TimeSpan.milliseconds(50)
    /// 20 MB/s: a single interactive stream never does it, and a stream beside it would feel it.
    static let busyBytes = 1 << 20

    mutating func add(_ count: Int, at now: Instant) {
        advance(to: now)
        inWindow += count
    }

    /// How many bytes were moved in this window or the last, whichever is more.
    func recent(at now: Instant) -> Int {
        let age = now.span(since: windowStart)
        if age < Self.window { return max(inWindow, inLastWindow) }
        return age < Self.window * 2 ? inWindow : 0
    }

    /// How many bytes were moved in the last window that is over.
    ///
    /// Of streams that came together the first would otherwise drive away those that have not moved anything only because
    /// they came a moment later.
    func settled(at now: Instant) -> Int {
        let age = now.span(since: windowStart)
        if age < Self.window { return lastWindowStart >= clearedAt ? inLastWindow : 0 }
        return age < Self.window * 2 && windowStart >= clearedAt ? inWindow : 0
    }

    /// All streams are gone: what they moved says nothing about those that will come.
    mutating func clear(at now: Instant) {
        clearedAt = now
    }

    func isBusy(at now: Instant) -> Bool { recent(at: now) >= Self.busyBytes }

    private mutating func advance(to now: Instant) {
        let age = now.span(since: windowStart)
        guard age >= Self.window else { return }
        inLastWindow = age < Self.window * 2 ? inWindow : 0
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
    private static let lifetime = TimeSpan.milliseconds(100)

    package init() {}

    /// How many bytes were moved in a twentieth of a second, by streams that are not only just here.
    package func settled(at now: Instant) -> Int {
        isBelieved(at: now) ? settledBytes.load(ordering: .relaxed) : 0
    }

    /// Whether the loop's links move something, but no bulk: somebody may be waiting for an answer.
    func isInteractive(at now: Instant) -> Bool {
        isBelieved(at: now) && (1..<TrafficMeter.busyBytes).contains(bytes.load(ordering: .relaxed))
    }

    private func isBelieved(at now: Instant) -> Bool {
        // The other loop's turn may have begun after this one's.
        let measured = Instant(nanoseconds: measuredAt.load(ordering: .relaxed))
        return measured > now || now.span(since: measured) < Self.lifetime
    }

    func set(recent: Int, settled: Int, at now: Instant) {
        bytes.store(recent, ordering: .relaxed)
        settledBytes.store(settled, ordering: .relaxed)
        measuredAt.store(now.nanoseconds, ordering: .relaxed)
    }
}
