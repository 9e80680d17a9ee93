import EventIO
import SecureLink
import Vocabulary

/// The party that ended a stream: the values of the log field `by`.
///
/// Both ends log the same value.
enum Party: String {
    /// The plaintext client that connected to a route.
    case visitor
    /// The plaintext server that a service connects to.
    case target
    /// The end of the tunnel where the visitor is.
    case opener
    /// The end of the tunnel where the target is.
    case acceptor
    /// The path between the two ends.
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

/// The reason why a stream ended: the values of the log field `why`.
enum Ending: Hashable {
    /// Both directions were closed normally.
    case finished
    /// The connection to the visitor or the target was reset.
    case reset
    /// No byte moved within the time limit.
    case idle
    /// No connection to the target could be made, for this reason.
    case notConnected(StreamFailure)
    /// No session was available in time.
    case noLink
    /// A limit was reached.
    case limit
    /// The process is stopping.
    case shutdown
    /// The session ended, and the stream with it.
    case sessionEnded(SessionEnd)
    /// The other end reset the stream for this reason.
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

/// The outcome of the stream of the program's own visitor.
package struct StreamSummary: Sendable {
    /// Whether both directions were closed normally.
    package let isComplete: Bool
    /// The log field `why`.
    package let why: String
    /// The log field `by`.
    package let by: String

    init(_ outcome: RelayOutcome) {
        if case .finished = outcome.ending { isComplete = true } else { isComplete = false }
        why = outcome.ending.why
        by = outcome.by.rawValue
    }
}

/// The outcome of a stream, as the logs of both ends report it.
struct RelayOutcome: Hashable {
    var ending: Ending
    var by: Party
}
