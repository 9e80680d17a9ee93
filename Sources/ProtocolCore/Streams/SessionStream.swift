import Basics

/// The state of one stream in a session: its directions, its credit, and the work that is left to do for it.
struct SessionStream {
    /// The state of one direction.
    ///
    /// The two directions are independent of each other.
    enum Direction {
        /// Bytes may follow.
        case open
        /// All bytes and the end were sent, or received.
        case finished
        /// The stream was reset: bytes under way are of no use.
        case reset
    }

    let id: StreamID
    /// Whether this end opened the stream.
    let isOurs: Bool
    /// The time at which the stream was opened.
    let openedAt: Instant

    var sending = Direction.open
    var receiving = Direction.open
    var sendWindow: SendWindow
    var receiveWindow: ReceiveWindow

    /// Whether OPEN_RESULT was sent, or received.
    var hasResult = false
    /// Whether this end has something to send: bytes, or the end of them.
    var isReady = false
    /// Whether the stream is in the list of streams whose credit the peer has to receive.
    var isGrantListed = false
    /// The stream's place in the order of sending.
    var turn = SendScheduler.Turn()

    /// Whether the stream could send something now, if the session has credit and space in the log.
    var canSend: Bool { isReady && sending == .open && sendWindow.available > 0 }

    /// The content of an unused slot: no stream has the number zero.
    static let vacant = SessionStream(
        id: StreamID(rawValue: 0),
        isOurs: false,
        openedAt: Instant(nanoseconds: 0),
        sendWindow: SendWindow(limit: 0),
        receiveWindow: ReceiveWindow(size: 0)
    )
}
