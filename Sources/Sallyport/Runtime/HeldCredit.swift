import Synchronization

/// What something takes of what the other end may send, until it is taken.
enum HeldCredit: Sendable {
    case none
    /// So many bytes of the window of a lane.
    case messageStream(StreamName, Int)
    /// So many bytes of the room for long payloads.
    case long(Int)
}

/// Brings back to the loop what was taken, so that the loop is not woken for each packet.
final class Credit: Sendable {
    private let messageStreams = Mutex<[StreamName: Int]>([:])
    private let flush: @Sendable (HeldCredit) -> Void
    private let portion: Int

    /// Credit of windows of so many bytes.
    init(window: Int, _ flush: @escaping @Sendable (HeldCredit) -> Void) {
        self.flush = flush
        // A sender gets credit when half of a window was taken; what is held back here must not keep it from that.
        portion = min(16 << 10, window / 16)
    }

    func add(_ charge: HeldCredit) {
        switch charge {
        case .none: return
        case .long: flush(charge)
        case .messageStream(let name, let count):
            let due = messageStreams.withLock { messageStreams in
                let sum = messageStreams[name, default: 0] + count
                messageStreams[name] = sum >= portion ? 0 : sum
                return sum >= portion ? sum : 0
            }
            if due > 0 { flush(.messageStream(name, due)) }
        }
    }
}
