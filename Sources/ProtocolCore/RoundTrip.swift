import Basics

/// Measures the round-trip time to the peer, one PING at a time.
struct RoundTrip {
    private var pending: (token: UInt64, at: Instant)?
    private var nextToken: UInt64 = 1
    /// The last measurements, newest last.
    private var recent: [Duration] = []

    private static let kept = 8

    /// The shortest of the last measurements, or `nil` before the first.
    var shortest: Duration? { recent.min() }
    /// The last measurement.
    var latest: Duration? { recent.last }
    /// Whether a PING is unanswered.
    var isPending: Bool { pending != nil }

    /// Begins a measurement.
    ///
    /// - Returns: the token that the PING has to carry.
    mutating func begin(at now: Instant) -> UInt64 {
        let token = nextToken
        nextToken &+= 1
        pending = (token, now)
        return token
    }

    /// Drops the measurement in progress, because the link that carried its PING is gone.
    mutating func forget() {
        pending = nil
    }

    /// Takes the answer to a PING.
    ///
    /// - Returns: the round-trip time, or `nil` if no unanswered PING has this token.
    mutating func end(token: UInt64, at now: Instant) -> Duration? {
        guard let pending, pending.token == token else { return nil }
        self.pending = nil
        let took = now.duration(since: pending.at)
        if recent.count == Self.kept { recent.removeFirst() }
        recent.append(took)
        return took
    }
}
