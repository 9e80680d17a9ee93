package import Vocabulary

/// News about a session as a whole.
///
/// A session collects its news during a turn of the loop and tells its owner at the turn's end. So no call of an owner's is ever
/// answered by a call back from within it.
package enum SessionNotice: Sendable {
    /// The peer sent GOAWAY: no new stream can be opened here, and those that exist go on.
    case goesAway
    /// The round trip to the peer was measured.
    case measured(Duration)
    /// The session has lost its link and waits for another one.
    case detached(LinkFault)
    /// The session has another link.
    case resumed(PeerSession.ResumptionSummary)
    /// The session is over, and the endpoints of its streams know it.
    case ended(SessionEnd)
}
