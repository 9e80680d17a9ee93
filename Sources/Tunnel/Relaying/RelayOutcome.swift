import EventIO
import SecureLink
import Vocabulary

/// Who ended a stream: the words of the log line's `by`.
///
/// The same at both ends, wherever it happened.
enum Party: String {
    /// The plain side that connected to a route.
    case visitor
    /// The plain side that a service connects to.
    case target
    /// The end of the tunnel where the visitor is.
    case opener
    /// The end of the tunnel where the target is.
    case acceptor
    /// Whatever is between the two ends.
    case link

    /// The other side of the same kind.
    var opposite: Party {
        switch self {
        case .visitor: .target
        case .target: .visitor
        case .opener: .acceptor
        case .acceptor: .opener
        case .link: .link
        }
    }
}

/// Why a stream ended: the words of the log line's `why`.
enum Ending: Hashable {
    /// Both directions came to their end.
    case finished
    /// A plain side's connection was reset.
    case reset
    /// Nothing moved for too long.
    case idle
    /// The target could not be connected to, and why.
    case notConnected(StreamFailure)
    /// There was no session to carry it in time.
    case noLink
    /// A limit was reached.
    case limit
    /// The process is stopping.
    case shutdown
    /// The session ended under it.
    case sessionEnded(SessionEnd)
    /// The other end cut it off for a reason of its own.
    case cutOff(StreamFailure)

    var why: String {
        switch self {
        case .finished: "fin"
        case .reset: "reset"
        case .idle: "idle"
        case .notConnected(let failure): failure.name
        case .noLink: "no-link"
        case .limit: "limit"
        case .shutdown: "shutdown"
        case .sessionEnded(let reason): reason.reason == "none" ? "shutdown" : reason.reason
        case .cutOff(let failure): failure.name
        }
    }
}

/// How the stream of the program's own visitor ended.
package struct StreamSummary: Sendable {
    /// Whether both directions came to their end.
    package let isComplete: Bool
    /// The log's `why`.
    package let why: String
    /// The log's `by`.
    package let by: String

    init(_ outcome: RelayOutcome) {
        if case .finished = outcome.ending { isComplete = true } else { isComplete = false }
        why = outcome.ending.why
        by = outcome.by.rawValue
    }
}

/// How a stream ended, as both ends' logs tell it.
struct RelayOutcome: Hashable {
    var ending: Ending
    var by: Party
}
