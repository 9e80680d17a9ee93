/// What a session holds and has to do, for who checks that it keeps its promises: simulations and fuzzers.
extension Session {
    /// How many bytes of a stream came and were not taken, and how many may at most; `nil` when there is no such stream.
    package func receiveWindow(of stream: StreamHandle) -> (held: UInt64, size: UInt64)? {
        guard streams.contains(stream) else { return nil }
        let window = streams[stream.slot].receiveWindow
        return (window.held, window.size)
    }

    /// How many streams want to send.
    package var turnCount: Int { scheduler.count }

    /// How many RESETs are held back.
    package var delayedResetCount: Int { delayedResets.count }

    /// How many bytes of control frames wait for a record.
    package var queuedCount: Int { control.count + piggybacked.count }

    /// How many bytes came on streams and were not taken by the owner.
    package var heldCount: UInt64 { receiveWindow.held }
}
