package import ProtocolCore
package import Vocabulary

/// One stream as one end of a simulation sees it.
package struct SimulatedStream {
    /// The session's name for it.
    package let handle: StreamHandle
    /// What this end sends: bytes of an endless stream that the seed stands for.
    package var sendSeed: UInt64
    /// How many of them, and how many have gone.
    package var toSend: UInt64 = 0
    package var sent: UInt64 = 0
    /// Whether the end follows when they are gone.
    package var endsAfter = false
    /// Whether the end has gone.
    package var hasSentEnd = false
    /// What is expected to arrive.
    package var receiveSeed: UInt64
    package var received: UInt64 = 0
    /// How many of those bytes wait to be taken.
    package var waiting = 0
    /// Whether the reader stands still.
    package var isStalled = false
    /// Whether the end has arrived.
    package var hasEnded = false
    /// With what this end cut the stream off.
    package var sentReset: StreamFailure?
    /// With what the other end cut the stream off.
    package var resetCode: StreamFailure?
    /// What the peer said of its target; `nil` before it has.
    package var openResult: StreamFailure??

    /// Whether nothing can happen on it any more.
    package var isOver: Bool { resetCode != nil || sentReset != nil || (hasSentEnd && hasEnded) }

    init(_ handle: StreamHandle, _ role: Session.Role) {
        self.handle = handle
        let id = UInt64(handle.id.rawValue)
        let (ours, theirs): (UInt64, UInt64) = role == .client ? (1, 2) : (2, 1)
        sendSeed = id &* 1000 &+ ours
        receiveSeed = id &* 1000 &+ theirs
    }
}
