import SecureLink
import Vocabulary

/// What happens to sessions, told to the log; `peer` is the peer's name at the end that dialled.
extension TunnelWorker {
    /// A session has lost its link, and waits for another one.
    func lostLink(_ session: PeerSession, peer: String?, _ fault: LinkFault) {
        log.linkLost(session, peer: peer, fault)
    }

    /// A session has another link.
    func resumed(_ session: PeerSession, peer: String?, _ resumption: PeerSession.ResumptionSummary) {
        log.resumed(session, peer: peer, resumption)
    }

    /// A session is over.
    func ended(_ session: PeerSession, peer: String?, _ reason: SessionEnd) {
        log.sessionEnded(session, peer: peer, reason)
    }
}
