/// What happened inside a session, in the order in which it happened.
package enum SessionEvent {
    /// The peer opened a stream.
    case opened(StreamHandle, OpenRequest)
    /// Bytes of a stream. They lie in the buffer that was given to ``Session/receive(_:at:)`` and are valid until
    /// it is used for something else; each byte has to be reported by ``Session/consumed(_:on:)`` one day.
    case data(StreamHandle, UnsafeRawBufferPointer)
    /// The peer will send no more bytes on a stream.
    case finished(StreamHandle)
    /// The peer ended a stream in both directions; what was not delivered is of no use any more.
    case reset(StreamHandle, StreamCode)
    /// The peer says how its connecting to the target went; `detail` is the peer's `errno`, 0 if there is none.
    case openResult(StreamHandle, StreamCode, detail: UInt32)
    /// The way to the peer and back was measured.
    case roundTrip(Duration)
    /// The peer accepts no new streams; the old ones finish. Streams that it had not seen are reset as
    /// ``StreamCode/notProcessed``.
    case goAway(CloseCode, String)
    /// A message came, whole.
    case message(SessionMessage)
    /// The link is gone, and the session waits for another one: nothing comes until
    /// ``Session/reattach(received:at:)``.
    case detached(LinkFault)
    /// The session is over. Nothing comes after it.
    case closed(SessionEnd)
}

/// Why a session is over.
package enum SessionEnd: Equatable, Sendable {
    /// The peer closed it.
    case byPeer(CloseCode, String)
    /// We closed it.
    case byUs(CloseCode, String)
    /// The peer broke the protocol, and was told so.
    case violation(ProtocolViolation)
    /// The link was lost, and no other one came in time, or could have: the session was lost with it.
    case linkLost(LinkFault)
}

/// A message beside the streams: for libraries that talk in messages (PROTOCOL.md, MESSAGE).
package struct SessionMessage: Hashable, Sendable {
    /// What the message is, as the application numbers it.
    package var type: UInt16
    /// Which message it is, or which one it answers.
    package var id: UInt64
    /// Whether it answers one of the same identifier.
    package var isReply: Bool
    /// Whether the answer is that it did not work.
    package var isError: Bool
    /// The content.
    package var bytes: [UInt8]

    package init(type: UInt16, id: UInt64, isReply: Bool = false, isError: Bool = false, bytes: [UInt8]) {
        self.type = type
        self.id = id
        self.isReply = isReply
        self.isError = isError
        self.bytes = bytes
    }
}
