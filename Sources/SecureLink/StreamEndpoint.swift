package import Basics
import EventIO
import ProtocolCore
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
    func sessionEnded(_ end: SessionEndReason)
}

/// What an endpoint put into the memory that it was given.
package struct StreamFill {
    /// What follows after the bytes.
    package enum Rest: Sendable {
        /// Perhaps more, at once.
        case more
        /// Nothing until ``LinkStream/setReady()`` is called again.
        case drained
        /// The end: there will never be more.
        case finished
    }

    /// How many bytes.
    package var count: Int
    /// What follows.
    package var rest: Rest

    package init(_ count: Int, _ rest: Rest) {
        self.count = count
        self.rest = rest
    }
}

/// Why a stream did not come about, or ended other than by both directions finishing.
package enum StreamFailure: Error, Hashable, Sendable {
    /// Nobody needs it any more.
    case cancelled
    /// The target refused the connection, with the system's error number.
    case refused(Int32)
    /// Something took longer than it may.
    case timeout
    /// The target cannot be reached, with the system's error number.
    case unreachable(Int32)
    /// The target's name has no address.
    case unresolved
    /// There is no service of that name.
    case noService
    /// The user may not open this service.
    case forbidden
    /// Nothing of it was handled: it can be tried elsewhere.
    case notProcessed
    /// The plain side's own connection was reset.
    case peerReset
    /// A limit was reached, and nothing of it was handled.
    case limit
    /// An end of the tunnel is stopping.
    case shutdown
    /// A code that this version does not know.
    case unknown(UInt16)

    var code: StreamCode {
        switch self {
        case .cancelled: .cancelled
        case .refused: .refused
        case .timeout: .timeout
        case .unreachable: .unreachable
        case .unresolved: .resolve
        case .noService: .noService
        case .forbidden: .forbidden
        case .notProcessed: .notProcessed
        case .peerReset: .peerReset
        case .limit: .limit
        case .shutdown: .shutdown
        case .unknown(let code): StreamCode(rawValue: code)
        }
    }

    /// The system's error number that goes with it; 0 if there is none.
    var detail: UInt32 {
        switch self {
        case .refused(let code), .unreachable(let code): UInt32(clamping: code)
        default: 0
        }
    }

    init(_ code: StreamCode, detail: UInt32 = 0) {
        switch code {
        case .cancelled: self = .cancelled
        case .refused: self = .refused(Int32(clamping: detail))
        case .timeout: self = .timeout
        case .unreachable: self = .unreachable(Int32(clamping: detail))
        case .resolve: self = .unresolved
        case .noService: self = .noService
        case .forbidden: self = .forbidden
        case .notProcessed: self = .notProcessed
        case .peerReset: self = .peerReset
        case .limit: self = .limit
        case .shutdown: self = .shutdown
        default: self = .unknown(code.rawValue)
        }
    }

    /// The failure as one word of a log line: `refused(ECONNREFUSED)`.
    package var name: String {
        let detail = Int32(clamping: self.detail)
        return detail == 0 ? code.name : "\(code.name)(\(detail.errnoName))"
    }
}

/// What an end asks for with a new stream.
package struct StreamRequest: Hashable, Sendable {
    /// The name of the service.
    package var service: String
    /// Where the visitor came from, as text; empty when it is not told.
    package var source: String
    /// Which address the visitor asked for, as text; empty when it is not told.
    package var destination: String
    /// Names the stream in the logs of both ends; empty when it is not told.
    package var trace: String

    package init(service: String, source: String = "", destination: String = "", trace: String = "") {
        self.service = service
        self.source = source
        self.destination = destination
        self.trace = trace
    }
}

/// Why a session is over.
package struct SessionEndReason: Error, Hashable, Sendable {
    /// In what way it ended.
    package enum Kind: Hashable, Sendable {
        /// The peer closed it in an orderly way.
        case closedByPeer
        /// We closed it in an orderly way.
        case closedByUs
        /// One end broke the protocol, and was told so by the other.
        case violation
        /// The link broke or fell silent.
        case linkLost
    }

    package let kind: Kind
    /// The reason as one word: a close code's name, or what became of the link.
    package let reason: String
    /// What the end that closed said about it, or what is known about the link; may be empty.
    package let text: String

    init(_ end: SessionEnd, whenDetached abandonment: PeerSession.Abandonment? = nil) {
        switch end {
        case .byPeer(let code, let text):
            kind = [.none, .shutdown, .idle, .revoked].contains(code) ? .closedByPeer : .violation
            reason = code.name
            self.text = text
        case .byUs(let code, let text):
            kind = .closedByUs
            reason = code.name
            self.text = text
        case .violation(let violation):
            kind = .violation
            reason = violation.code.name
            text = violation.reason
        case .linkLost(let fault):
            kind = .linkLost
            reason = "link-lost"
            // What became of the link was told when it was lost.
            text = abandonment?.words ?? fault.words
        }
    }
}

extension PeerSession.Abandonment {
    fileprivate var words: String {
        switch self {
        case .late: "no other link came in time"
        case .unknownToServer: "the server does not have the session any more"
        case .crowded: "its user has too many sessions without a link"
        case .memory: "there is no memory for sessions without a link"
        case .shutdown: "this end is stopping"
        }
    }
}

extension LinkFault {
    fileprivate var words: String {
        switch self {
        case .unknownKind(let kind): "damaged: a record of kind \(kind)"
        case .recordLength(let length): "damaged: a record of \(length) bytes"
        case .forgedRecord: "damaged: a record that the peer did not seal"
        case .ended: "ended without a word"
        case .silent: "no sign of life"
        case .unrouted: "the address or the route that it went by is gone"
        case .replaced: "the peer came by another link"
        }
    }
}
