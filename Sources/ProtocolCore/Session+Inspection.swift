/// The contents of a session, for simulations and fuzzers that check its invariants.
extension Session {
    /// The number of a stream's bytes that arrived but were not taken, and its limit; `nil` if there is no such stream.
    package func receiveWindow(of stream: StreamHandle) -> (held: UInt64, size: UInt64)? {
        guard streams.contains(stream) else { return nil }
        let window = streams[stream.slot].receiveWindow
        return (window.held, window.size)
    }

    /// The number of streams that want to send.
    package var turnCount: Int { scheduler.count }

    /// The number of delayed RESETs.
    package var delayedResetCount: Int { delayedResets.count }

    /// The number of bytes of control frames that wait for a record.
    package var queuedCount: Int { control.count + piggybacked.count }

    /// The number of bytes that arrived on streams but were not taken by the owner.
    package var heldCount: UInt64 { receiveWindow.held }
}
