import EventIO
import ProtocolCore
package import Vocabulary

/// A stream as its endpoint holds it: what it can ask of the session.
///
/// Confined to the session's loop. After ``release()`` it does nothing.
package struct LinkStream {
    let session: PeerSession
    let handle: StreamHandle

    /// The session that the stream belongs to.
    package var owner: PeerSession { session }

    /// There is something to send, or its end: ``StreamEndpoint/fill(_:)`` will be called when it is the stream's turn.
    package func setReady() {
        session.core.setReady(handle)
        session.flushSoon()
    }

    /// So many bytes that came have been taken: the peer will be given credit for as many.
    package func consumed(_ count: Int) {
        session.core.consumed(count, on: handle)
        if session.core.hasControl { session.flushSoon() }
    }

    /// Tells the peer whether the target is connected.
    package func reportTarget(_ failure: StreamFailure?) {
        session.core.reportOpen(handle, failure, at: session.environment.loop.now)
        if session.core.hasControl { session.flushSoon() }
    }

    /// Ends both directions at once.
    package func reset(_ failure: StreamFailure) {
        session.core.reset(handle, failure, at: session.environment.loop.now)
        session.flushSoon()
    }

    /// Nothing more will be done with the stream.
    ///
    /// It must have come to its end, or it is reset.
    package func release() {
        session.release(handle)
    }
}
