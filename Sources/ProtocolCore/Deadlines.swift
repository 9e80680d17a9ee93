import Basics

/// The named timers of a session: each is a moment or off, and the session waits for the first.
struct Deadlines {
    /// Acknowledge what came, if nothing else has carried it by then.
    var acknowledgement = Instant.distantFuture
    /// Ask the peer whether it is there, or give it up.
    var keepAlive = Instant.distantFuture
    /// Send a RESET that was held back.
    var delayedReset = Instant.distantFuture
    /// Give the link up if nothing has come since it was doubted.
    var liveness = Instant.distantFuture
    /// Give the session up if it has no link by then.
    var resumption = Instant.distantFuture

    /// The first of them, or `nil` when all are off.
    var first: Instant? {
        let first = min(min(acknowledgement, keepAlive), min(delayedReset, min(liveness, resumption)))
        return first == .distantFuture ? nil : first
    }
}
