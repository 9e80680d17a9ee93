package import Vocabulary

/// A notice about a session as a whole.
///
/// A session collects its notices during a turn of the loop and delivers them to its owner at the turn's end. So a call of the
/// owner never leads to a callback from within that call.
package enum SessionNotice: Sendable {
    /// The peer sent GOAWAY: this end can open no new stream, and existing streams continue.
    case goesAway
    /// The round trip to the peer was measured.
    case measured(Duration)
    /// The session has lost its link and waits for another one.
    case detached(LinkFault)
    /// The session has another link.
    case resumed(PeerSession.ResumptionSummary)
    /// The session has ended, and the endpoints of its streams have been notified.
    case ended(SessionEnd)
}
