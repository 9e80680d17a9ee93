import Basics

/// Measures the time to the peer and back, one PING at a time.
struct RoundTrip {
    private var pending: (token: UInt64, at: Instant)?
    private var nextToken: UInt64 = 1
    /// The last measurements, newest last.
    private var recent: [Duration] = []

    private static let kept = 8

    /// The shortest of the last measurements; `nil` before the first.
    var shortest: Duration? { recent.min() }
    /// The last measurement.
    var latest: Duration? { recent.last }
    /// Whether an answer is awaited.
    var isPending: Bool { pending != nil }

    /// Begins a measurement.
    ///
    /// - Returns: what the PING carries.
    mutating func begin(at now: Instant) -> UInt64 {
        let token = nextToken
        nextToken &+= 1
        pending = (token, now)
        return token
    }

    /// Awaits no answer any more: the link that the question went over is gone.
    mutating func forget() {
        pending = nil
    }

    /// An answer came.
    ///
    /// - Returns: how long it took, or `nil` when it answers nothing that was asked.
    mutating func end(token: UInt64, at now: Instant) -> Duration? {
        guard let pending, pending.token == token else { return nil }
        self.pending = nil
        let took = now.duration(since: pending.at)
        if recent.count == Self.kept { recent.removeFirst() }
        recent.append(took)
        return took
    }
}
