import Synchronization

/// The credit that an item or a payload holds until the application takes it.
enum HeldCredit: Sendable {
    case none
    /// A number of bytes of a message stream's window.
    case messageStream(StreamName, Int)
    /// A number of bytes of the space for long payloads.
    case long(Int)
}

/// Collects returned credit in portions, so that the loop is not woken for each packet.
final class Credit: Sendable {
    private let messageStreams = Mutex<[StreamName: Int]>([:])
    private let flush: @Sendable (HeldCredit) -> Void
    private let portion: Int

    /// Creates a collector for message streams with a window of `window` bytes.
    init(window: Int, _ flush: @escaping @Sendable (HeldCredit) -> Void) {
        self.flush = flush
        // The session sends new credit when the application has taken half of a window. The bytes held back here must not delay
        // that.
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
