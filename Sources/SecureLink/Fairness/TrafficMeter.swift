package import Basics
import Synchronization

/// The number of bytes that a session, or all sessions of a loop, moved recently, in windows of 50 ms.
struct TrafficMeter {
    private var windowStart = Instant.start
    private var inWindow = 0
    private var inLastWindow = 0
    private var lastWindowStart = Instant.start
    /// The moment of the last ``clear(at:)``: bytes moved before it belong to streams that have ended.
    private var clearedAt = Instant.start

    mutating func add(_ count: Int, at now: Instant) {
        advance(to: now)
        inWindow += count
    }

    /// The number of bytes moved in this window or in the last one, whichever is larger.
    func recent(at now: Instant) -> Int {
        let age = now.span(since: windowStart)
        if age < Workload.window { return max(inWindow, inLastWindow) }
        return age < Workload.window * 2 ? inWindow : 0
    }

    /// The number of bytes moved in the last complete window.
    ///
    /// If several streams start together, the current window may hold bytes of the first one only. Counting them would drive away
    /// the other streams, which have moved nothing yet only because they started a moment later.
    func settled(at now: Instant) -> Int {
        let age = now.span(since: windowStart)
        if age < Workload.window { return lastWindowStart >= clearedAt ? inLastWindow : 0 }
        return age < Workload.window * 2 && windowStart >= clearedAt ? inWindow : 0
    }

    /// Makes ``settled(at:)`` ignore all bytes moved before `now`: all streams have ended, and their bytes say nothing about
    /// future streams.
    mutating func clear(at now: Instant) {
        clearedAt = now
    }

    func isBusy(at now: Instant) -> Bool { recent(at: now) >= Workload.busyLink }

    private mutating func advance(to now: Instant) {
        let age = now.span(since: windowStart)
        guard age >= Workload.window else { return }
        inLastWindow = age < Workload.window * 2 ? inWindow : 0
        lastWindowStart = windowStart
        inWindow = 0
        windowStart = now
    }
}

/// The recent traffic of all links of a loop, published to other threads.
///
/// The loop's thread writes it; any thread may read it.
package final class TrafficGauge: Sendable {
    private let bytes = Atomic<Int>(0)
    private let settledBytes = Atomic<Int>(0)
    private let measuredAt = Atomic<UInt64>(0)

    /// The time for which a measurement is valid: an idle loop publishes none.
    private static let lifetime = TimeSpan.milliseconds(100)

    package init() {}

    /// The number of bytes moved in 50 ms, without streams that have only just started.
    package func settled(at now: Instant) -> Int {
        isBelieved(at: now) ? settledBytes.load(ordering: .relaxed) : 0
    }

    /// Whether the loop's links move bytes but no bulk: a user may be waiting for a response.
    func isInteractive(at now: Instant) -> Bool {
        isBelieved(at: now) && (1..<Workload.busyLink).contains(bytes.load(ordering: .relaxed))
    }

    private func isBelieved(at now: Instant) -> Bool {
        // The other loop's turn may have begun after this loop's turn, so the measurement may be later than `now`.
        let measured = Instant(nanoseconds: measuredAt.load(ordering: .relaxed))
        return measured > now || now.span(since: measured) < Self.lifetime
    }

    func set(recent: Int, settled: Int, at now: Instant) {
        bytes.store(recent, ordering: .relaxed)
        settledBytes.store(settled, ordering: .relaxed)
        measuredAt.store(now.nanoseconds, ordering: .relaxed)
    }
}
