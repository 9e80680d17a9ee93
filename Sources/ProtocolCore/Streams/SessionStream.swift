import Basics

/// What a session knows of one stream: how far each direction has come, and what is still to be said about it.
struct SessionStream {
    /// How far one direction has come.
    ///
    /// The two are independent of each other.
    enum Direction {
        /// Bytes may follow.
        case open
        /// All bytes were sent, or came, and the end with them.
        case finished
        /// Cut off: what was under way is of no use.
        case reset
    }

    let id: StreamID
    /// Whether our end opened it.
    let isOurs: Bool
    /// When it was opened.
    let openedAt: Instant

    var sending = Direction.open
    var receiving = Direction.open
    var sendWindow: SendWindow
    var receiveWindow: ReceiveWindow

    /// Whether OPEN_RESULT was sent, or came.
    var hasResult = false
    /// Whether our side has something to send: bytes, or the end of them.
    var isReady = false
    /// Whether it is in the list of streams that the peer has to be given credit for.
    var isGrantListed = false
    /// Its place among those that want to send.
    var turn = SendScheduler.Turn()

    /// Whether it could send something now, if the session as a whole can.
    var canSend: Bool { isReady && sending == .open && sendWindow.available > 0 }

    /// What is in a slot that no stream has: no stream has the number zero.
    static let vacant = SessionStream(
        id: StreamID(rawValue: 0),
        isOurs: false,
        openedAt: Instant(nanoseconds: 0),
        sendWindow: SendWindow(limit: 0),
        receiveWindow: ReceiveWindow(size: 0)
    )
}
