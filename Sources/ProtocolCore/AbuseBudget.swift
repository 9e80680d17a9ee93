package import Basics

/// How much strange but legal behaviour is enough, and what may be done only so often (PROTOCOL.md, Limits).
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

    /// Something legal and useless happened.
    mutating func note(_ oddity: String) throws(ProtocolViolation) {
        oddities += 1
        guard oddities <= SessionLimits.abuseBudget else { throw .limit("too often: \(oddity)") }
    }

    /// The peer asked for an answer.
    mutating func notePing(at now: Instant) throws(ProtocolViolation) {
        guard pings.take(at: now) else { throw .limit("too many pings") }
    }

    /// The peer reset a stream that it had just opened.
    mutating func noteEarlyReset(at now: Instant) throws(ProtocolViolation) {
        guard earlyResets.take(at: now) else { throw .limit("too many streams reset as soon as opened") }
    }

    /// The peer changed its key.
    mutating func noteKeyUpdate(at now: Instant) throws(ProtocolViolation) {
        defer { lastKeyUpdate = now }
        guard let lastKeyUpdate, now < lastKeyUpdate.advanced(by: .seconds(1)) else { return }
        try note("key update")
    }
}

/// Allows so many at once and so many more each second.
package struct TokenBucket: Hashable, Sendable {
    private let capacity: Double
    private let perNanosecond: Double
    private var tokens: Double
    private var last: Instant

    /// A full bucket.
    package init(capacity: Int, perSecond: Int, at now: Instant) {
        self.capacity = Double(capacity)
        perNanosecond = Double(perSecond) / 1e9
        tokens = Double(capacity)
        last = now
    }

    /// Whether it has filled up again: nothing has been taken for long.
    package func isFull(at now: Instant) -> Bool {
        guard now > last else { return tokens >= capacity }
        return tokens + Double(now.nanoseconds - last.nanoseconds) * perNanosecond >= capacity
    }

    /// Lets the time up to `now` pass without filling up.
    package mutating func skip(to now: Instant) {
        last = max(last, now)
    }

    /// Puts some back: they were not needed after all.
    package mutating func giveBack(_ count: Int) {
        tokens = min(capacity, tokens + Double(count))
    }

    /// Takes one, if there is one.
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
