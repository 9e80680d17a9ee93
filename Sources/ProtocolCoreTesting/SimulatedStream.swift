package import ProtocolCore
package import Vocabulary

/// One stream as one end of a simulation sees it.
package struct SimulatedStream {
    /// The session's handle of the stream.
    package let handle: StreamHandle
    /// The seed of the bytes that this end sends.
    package var sendSeed: UInt64
    /// The number of bytes to send, and of those already sent.
    package var toSend: UInt64 = 0
    package var sent: UInt64 = 0
    /// Whether the end follows the last byte.
    package var endsAfter = false
    /// Whether this end has sent the end of its direction.
    package var hasSentEnd = false
    /// The seed of the bytes that this end expects to receive, and the number that arrived.
    package var receiveSeed: UInt64
    package var received: UInt64 = 0
    /// The number of received bytes that the reader has not taken.
    package var waiting = 0
    /// Whether the reader is stalled.
    package var isStalled = false
    /// Whether the end of the other direction has arrived.
    package var hasEnded = false
    /// The failure with which this end reset the stream.
    package var sentReset: StreamFailure?
    /// The failure with which the other end reset the stream.
    package var resetCode: StreamFailure?
    /// The peer's OPEN_RESULT; `nil` before it has arrived.
    package var openResult: StreamFailure??

    /// Whether nothing more can happen on the stream.
    package var isOver: Bool { resetCode != nil || sentReset != nil || (hasSentEnd && hasEnded) }

    init(_ handle: StreamHandle, _ role: Session.Role) {
        self.handle = handle
        let id = UInt64(handle.id.rawValue)
        let (ours, theirs): (UInt64, UInt64) = role == .client ? (1, 2) : (2, 1)
        sendSeed = id &* 1000 &+ ours
        receiveSeed = id &* 1000 &+ theirs
    }
}
