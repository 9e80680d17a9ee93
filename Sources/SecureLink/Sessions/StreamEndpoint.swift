package import Basics
import EventIO
import ProtocolCore
package import Vocabulary
import WireCoding

/// What is at the plain end of a stream: it gives the bytes that go to the peer and takes those that come.
///
/// Everything is called on the session's loop. No call may be answered by blocking.
package protocol StreamEndpoint: AnyObject {
    /// Puts bytes into memory of the session's, as many as there are and fit, from the beginning without a gap. Called
    /// after ``LinkStream/setReady()``, when it is the stream's turn.
    func fill(_ segments: UnsafeMutableBufferPointer<MemorySegment>) -> StreamFill

    /// Takes bytes from the peer. They are valid until ``deliver()`` has returned; each has to be reported by
    /// ``LinkStream/consumed(_:)`` one day, or the peer will run out of credit.
    ///
    /// - Returns: whether ``deliver()`` should be called when all has been handed over that came with it.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool

    /// All that came together has been handed over: now is the time to write it, at once.
    func deliver()

    /// The peer will send no more.
    func receiveEnd()

    /// The peer has connected the stream to its target, or could not.
    func targetAnswered(_ failure: StreamFailure?)

    /// The stream is over in both directions, by the peer's will.
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
