/// The received records, and the decision when to acknowledge them (PROTOCOL.md, ACK).
struct AcknowledgementState {
    /// The number of records received since the session began.
    private(set) var received: UInt64 = 0
    /// The number of them that this end has acknowledged.
    private(set) var told: UInt64 = 0
    /// Whether an acknowledgement has to be sent without waiting for another frame.
    var isDue = false
    private var asking: UInt64 = 0
    private var bytes = 0

    /// Whether there are records to acknowledge.
    var isPending: Bool { told < received }

    /// Counts a received record.
    ///
    /// `asks` says whether the record holds a frame other than ACK and padding. Other records are counted but not acknowledged:
    /// otherwise the two ends would acknowledge each other's acknowledgements for ever.
    ///
    /// - Returns: whether a timer has to run until the acknowledgement is sent.
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

    /// Returns the number for an ACK that is sent now, and counts the received records as acknowledged.
    mutating func tell() -> UInt64 {
        wasTold()
        return received
    }

    /// Counts the received records as acknowledged, by an ACK or by a resumption.
    mutating func wasTold() {
        told = received
        isDue = false
        asking = 0
        bytes = 0
    }
}
