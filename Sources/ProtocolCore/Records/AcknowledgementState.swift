/// What came and what of it the peer was told: when to acknowledge (PROTOCOL.md, ACK).
struct AcknowledgementState {
    /// How many records came since the session began.
    private(set) var received: UInt64 = 0
    /// Of how many the peer was told.
    private(set) var told: UInt64 = 0
    /// Whether it has to be told without waiting for something else to say.
    var isDue = false
    private var asking: UInt64 = 0
    private var bytes = 0

    /// Whether there is something to tell.
    var isPending: Bool { told < received }

    /// A record came.
    ///
    /// `asks` says whether it holds anything but ACK and padding. Others are counted but not answered, or two
    ///   ends would acknowledge each other's acknowledgements for ever.
    /// - Returns: whether a timer has to run until the peer is told.
    mutating func note(bytes count: Int, asks: Bool) -> Bool {
        received += 1
        guard asks else { return false }
        asking += 1
        bytes += count
        if asking >= SessionLimits.recordsPerAcknowledgement || bytes >= SessionLimits.bytesPerAcknowledgement
        {
            isDue = true
        }
        return true
    }

    /// The peer is being told now.
    mutating func tell() -> UInt64 {
        wasTold()
        return received
    }

    /// The peer was told in another way.
    mutating func wasTold() {
        told = received
        isDue = false
        asking = 0
        bytes = 0
    }
}
