package import Basics

/// The count of useless but legal acts, and the rates of acts that are legal only in moderation (PROTOCOL.md, Limits).
struct AbuseBudget {
    private var oddities = 0
    private var pings: TokenBucket
    private var earlyResets: TokenBucket
    private var lastKeyUpdate: Instant?

    init(at now: Instant) {
        pings = TokenBucket(
            capacity: SessionLimits.pingBurst,
            perSecond: SessionLimits.pingsPerSecond,
            at: now
        )
        earlyResets = TokenBucket(
            capacity: SessionLimits.earlyResetBurst,
            perSecond: SessionLimits.earlyResetsPerSecond,
            at: now
        )
    }

    /// Counts a legal but useless act.
    mutating func note(_ oddity: String) throws(ProtocolViolation) {
        oddities += 1
        guard oddities <= SessionLimits.abuseBudget else { throw .limit("too often: \(oddity)") }
    }

    /// Counts a PING from the peer.
    mutating func notePing(at now: Instant) throws(ProtocolViolation) {
        guard pings.take(at: now) else { throw .limit("too many pings") }
    }

    /// Counts a RESET of a stream that the peer had just opened.
    mutating func noteEarlyReset(at now: Instant) throws(ProtocolViolation) {
        guard earlyResets.take(at: now) else { throw .limit("too many streams reset as soon as opened") }
    }

    /// Counts a change of the peer's key as abuse if the last one was less than a second ago.
    mutating func noteKeyUpdate(at now: Instant) throws(ProtocolViolation) {
        defer { lastKeyUpdate = now }
        guard let lastKeyUpdate, now < lastKeyUpdate.advanced(by: .seconds(1)) else { return }
        try note("key update")
    }
}

/// A token bucket: it allows a burst, and a constant rate after that.
package struct TokenBucket: Hashable, Sendable {
    private let capacity: Double
    private let perNanosecond: Double
    private var tokens: Double
    private var last: Instant

    /// Creates a full bucket.
    package init(capacity: Int, perSecond: Int, at now: Instant) {
        self.capacity = Double(capacity)
        perNanosecond = Double(perSecond) / 1e9
        tokens = Double(capacity)
        last = now
    }

    /// Whether the bucket is full again, because nothing was taken for a long time.
    package func isFull(at now: Instant) -> Bool {
        guard now > last else { return tokens >= capacity }
        return tokens + Double(now.nanoseconds - last.nanoseconds) * perNanosecond >= capacity
    }

    /// Lets the time up to `now` pass without adding tokens.
    package mutating func skip(to now: Instant) {
        last = max(last, now)
    }

    /// Returns tokens that were not needed.
    package mutating func giveBack(_ count: Int) {
        tokens = min(capacity, tokens + Double(count))
    }

    /// Takes a token, if there is one.
    package mutating func take(at now: Instant) -> Bool {
        if now > last {
            tokens = min(capacity, tokens + Double(now.nanoseconds - last.nanoseconds) * perNanosecond)
            last = now
        }
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
