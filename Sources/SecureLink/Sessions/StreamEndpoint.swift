package import Basics
import EventIO
import ProtocolCore
package import Vocabulary
import WireCoding

/// The plaintext end of a stream: it provides the bytes for the peer and takes the bytes from the peer.
///
/// The session calls it on its loop. No method may block.
package protocol StreamEndpoint: AnyObject {
    /// Copies bytes into memory of the session: as many as there are and fit, from the beginning without a gap.
    ///
    /// Called after ``LinkStream/setReady()``, when it is the stream's turn.
    func fill(_ segments: UnsafeMutableBufferPointer<MemorySegment>) -> StreamFill

    /// Takes bytes from the peer.
    ///
    /// They are valid until ``deliver()`` has returned. The endpoint must report each of them with ``LinkStream/consumed(_:)`` at
    /// some time; otherwise the peer runs out of credit.
    ///
    /// - Returns: whether to call ``deliver()`` when all bytes that arrived together have been handed over.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool

    /// All bytes that arrived together have been handed over: the endpoint should write them now, at once.
    func deliver()

    /// The peer will send no more bytes.
    func receiveEnd()

    /// The peer has connected the stream to its target, or could not.
    func targetAnswered(_ failure: StreamFailure?)

    /// The peer has reset the stream: both directions are over.
    func streamReset(_ failure: StreamFailure)

    /// The session is over, and the stream with it.
    func sessionEnded(_ end: SessionEnd)
}

extension StreamFailure {
    /// The failure as one word of a log line: `refused(ECONNREFUSED)`.
    package var name: String {
        let detail = Int32(clamping: self.detail)
        return detail == 0 ? codeName : "\(codeName)(\(detail.errnoName))"
    }
}
