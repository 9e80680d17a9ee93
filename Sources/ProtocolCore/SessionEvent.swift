package import Vocabulary

/// An event in a session; the session reports events in the order in which they happened.
package enum SessionEvent {
    /// The peer opened a stream.
    case opened(StreamHandle, StreamRequest)
    /// Bytes of a stream arrived.
    ///
    /// They lie in the buffer that was passed to ``Session/receive(_:at:)`` and are valid until the owner uses it for something
    /// else. The owner has to report each byte with ``Session/consumed(_:on:)`` eventually.
    case data(StreamHandle, UnsafeRawBufferPointer)
    /// The peer will send no more bytes on a stream.
    case finished(StreamHandle)
    /// The peer ended a stream in both directions; bytes that were not delivered are of no use any more.
    case reset(StreamHandle, StreamFailure)
    /// The peer connected the stream to its target, or reports why it could not.
    case openResult(StreamHandle, StreamFailure?)
    /// The round-trip time to the peer was measured.
    case roundTrip(Duration)
    /// The peer sent GOAWAY: it accepts no new streams, and the existing ones continue.
    ///
    /// Streams that the peer had not seen are reset as ``StreamFailure/notProcessed``.
    case goAway(CloseCode, String)
    /// The link is lost, and the session waits for another one.
    ///
    /// Until ``Session/resume(received:at:)``, no other event comes but ``closed(_:)``.
    case detached(LinkFault)
    /// The session is over; no event comes after this one.
    case closed(SessionEnd)
}
