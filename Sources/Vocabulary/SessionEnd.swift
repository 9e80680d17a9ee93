/// The reason why a session is over.
package enum SessionEnd: Error, Hashable, Sendable {
    /// The peer closed the session.
    case byPeer(CloseCode, String)
    /// This end closed the session.
    case byUs(CloseCode, String)
    /// The peer broke a rule of the protocol, and this end sent it a CLOSE; the text names the rule.
    case violation(CloseCode, String)
    /// The session lost its link and cannot be resumed.
    case linkLost(LinkFault)
    /// The session lost its link and was not resumed.
    case notResumed(Abandonment)
}

/// The reason why a session that had lost its link was not resumed.
package enum Abandonment: Hashable, Sendable {
    /// `resume-window` passed without another link.
    case late
    /// The server no longer has the session.
    case unknownToServer
    /// The user has too many sessions without a link.
    case tooManyWaiting
    /// The process needs the memory for sessions that have a link.
    case memory
    /// This end is shutting down.
    case shutdown
}

/// The reason why a link ended.
///
/// It rests on bytes that are not authenticated, so it is no evidence against the peer.
package enum LinkFault: Error, Hashable, Sendable {
    /// A record of an unknown kind.
    case unknownKind(UInt8)
    /// A record of an impossible length, in bytes.
    case recordLength(Int)
    /// A record whose tag is wrong.
    case forgedRecord
    /// The connection was closed without a CLOSE.
    case ended
    /// The peer sent nothing for the second of the two times of `keepalive`.
    case silent
    /// The local address or the route to the peer is gone.
    case unrouted
    /// The peer resumed the session on another link.
    case replaced

    /// Whether the received bytes are not those that the peer sent.
    package var isDamage: Bool {
        switch self {
        case .unknownKind, .recordLength, .forgedRecord: true
        case .ended, .silent, .unrouted, .replaced: false
        }
    }
}

extension SessionEnd {
    /// The four ways in which a session ends.
    package enum Kind: Hashable, Sendable {
        /// The peer closed it in an orderly way.
        case closedByPeer
        /// This end closed it in an orderly way.
        case closedByUs
        /// One end broke the protocol, and the other end closed the session for it.
        case violation
        /// The link was lost, and the session with it.
        case linkLost
    }

    /// The way in which the session ended.
    package var kind: Kind {
        switch self {
        case .byPeer(let code, _):
            [.none, .shutdown, .idle, .revoked].contains(code) ? .closedByPeer : .violation
        case .byUs: .closedByUs
        case .violation: .violation
        case .linkLost, .notResumed: .linkLost
        }
    }

    /// The reason as one word of a log line: a close code's name, or `link-lost`.
    package var reason: String {
        switch self {
        case .byPeer(let code, _), .byUs(let code, _), .violation(let code, _): code.name
        case .linkLost, .notResumed: "link-lost"
        }
    }

    /// The text that the closing end gave, or the fault of the link; may be empty.
    package var text: String {
        switch self {
        case .byPeer(_, let text), .byUs(_, let text), .violation(_, let text): text
        case .linkLost(let fault): fault.text
        case .notResumed(let cause): cause.text
        }
    }
}

extension Abandonment {
    /// The cause as a clause of a log line.
    package var text: String {
        switch self {
        case .late: "not resumed within resume-window"
        case .unknownToServer: "the server does not have the session any more"
        case .tooManyWaiting: "the user has too many sessions that wait for a link"
        case .memory: "the memory limit leaves no room for sessions that wait for a link"
        case .shutdown: "this end is shutting down"
        }
    }
}

extension LinkFault {
    /// The fault as a clause of a log line.
    package var text: String {
        switch self {
        case .unknownKind(let kind): "damaged: a record of kind \(kind)"
        case .recordLength(let length): "damaged: a record of \(length) bytes"
        case .forgedRecord: "damaged: a record that the peer did not seal"
        case .ended: "connection closed by peer"
        case .silent: "keepalive timeout"
        case .unrouted: "the local address or the route is gone"
        case .replaced: "replaced: the peer resumed the session on another link"
        }
    }
}
