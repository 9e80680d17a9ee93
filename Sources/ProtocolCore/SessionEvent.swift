package import Vocabulary

/// What happened inside a session, in the order in which it happened.
package enum SessionEvent {
    /// The peer opened a stream.
    case opened(StreamHandle, StreamRequest)
    /// Bytes of a stream. They lie in the buffer that was given to ``Session/receive(_:at:)`` and are valid until
    /// it is used for something else; each byte has to be reported by ``Session/consumed(_:on:)`` one day.
    case data(StreamHandle, UnsafeRawBufferPointer)
    /// The peer will send no more bytes on a stream.
    case finished(StreamHandle)
    /// The peer ended a stream in both directions; what was not delivered is of no use any more.
    case reset(StreamHandle, StreamFailure)
    /// The peer connected the stream to its target, or says why it could not.
    case openResult(StreamHandle, StreamFailure?)
    /// The way to the peer and back was measured.
    case roundTrip(Duration)
    /// The peer accepts no new streams; the old ones finish. Streams that it had not seen are reset as
    /// ``StreamFailure/notProcessed``.
    case goAway(CloseCode, String)
    /// The link is gone, and the session waits for another one: nothing comes until
    /// ``Session/resume(received:at:)``.
    case detached(LinkFault)
    /// The session is over. Nothing comes after it.
    case closed(SessionEnd)
}
