import Basics

/// The named timers of a session: each holds an instant or is off, and the session waits for the earliest.
struct Deadlines {
    /// The time to acknowledge received records, if no other record has carried the acknowledgement by then.
    var acknowledgement = Instant.distantFuture
    /// The time to send a PING, or to give up a link that is silent for too long.
    var keepAlive = Instant.distantFuture
    /// The time to send a delayed RESET.
    var delayedReset = Instant.distantFuture
    /// The time to give up the link if nothing has arrived since the liveness check began.
    var liveness = Instant.distantFuture
    /// The time to give up the session if it has no link by then.
    var resumption = Instant.distantFuture

    /// The earliest timer, or `nil` if all are off.
    var first: Instant? {
        let first = min(min(acknowledgement, keepAlive), min(delayedReset, min(liveness, resumption)))
        return first == .distantFuture ? nil : first
    }
}
