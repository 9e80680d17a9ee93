import EventIO
import ProtocolCore
package import Vocabulary

/// A stream, as its endpoint uses it.
///
/// It is confined to the session's loop. After ``release()`` it does nothing.
package struct LinkStream {
    let session: PeerSession
    let handle: StreamHandle

    /// The session that the stream belongs to.
    package var owner: PeerSession { session }

    /// Tells the session that there are bytes to send, or the end of the stream.
    ///
    /// The session calls ``StreamEndpoint/fill(_:)`` when it is the stream's turn.
    package func setReady() {
        session.core.setReady(handle)
        session.flushSoon()
    }

    /// Reports that the endpoint has consumed `count` bytes from the peer; the session grants the peer as much credit.
    package func consumed(_ count: Int) {
        session.core.consumed(count, on: handle)
        if session.core.hasControl { session.flushSoon() }
    }

    /// Tells the peer whether the target is connected.
    package func reportTarget(_ failure: StreamFailure?) {
        session.core.reportOpen(handle, failure, at: session.environment.loop.now)
        if session.core.hasControl { session.flushSoon() }
    }

    /// Resets the stream: both directions end at once.
    package func reset(_ failure: StreamFailure) {
        session.core.reset(handle, failure, at: session.environment.loop.now)
        session.flushSoon()
    }

    /// Releases the stream; the endpoint does nothing more with it.
    ///
    /// A stream that is not over is reset.
    package func release() {
        session.release(handle)
    }
}
