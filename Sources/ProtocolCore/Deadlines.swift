/// The named timers of a session: each is a moment or off, and the session waits for the first.
struct Deadlines {
    /// Acknowledge what came, if nothing else has carried it by then.
    var acknowledgement = Instant.distantFuture
    /// Ask the peer whether it is there, or give it up.
    var keepAlive = Instant.distantFuture
    /// Send a RESET that was held back.
    var delayedReset = Instant.distantFuture

    /// The first of them, or `nil` when all are off.
    var first: Instant? {
        let first = min(acknowledgement, keepAlive, delayedReset)
        return first == .distantFuture ? nil : first
    }
}
