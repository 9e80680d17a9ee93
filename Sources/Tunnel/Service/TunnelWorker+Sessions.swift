import SecureLink

/// What happens to sessions, told to the log and counted; `peer` is the peer's name at the end that dialled.
extension TunnelWorker {
    /// A session has lost its link, and waits for another one.
    func lostLink(_ session: PeerSession, peer: String?, _ reason: SessionEndReason) {
        log.linkLost(session, peer: peer, reason)
        metrics.linkLost(session, peer: peer)
    }

    /// A session has another link.
    func reattached(_ session: PeerSession, peer: String?, _ reattachment: PeerSession.Reattachment) {
        log.reattached(session, peer: peer, reattachment)
        metrics.reattached(session, peer: peer, reattachment)
    }

    /// A session is over.
    func ended(_ session: PeerSession, peer: String?, _ reason: SessionEndReason) {
        log.sessionEnded(session, peer: peer, reason)
        metrics.sessionEnded(session, peer: peer, reason)
    }
}
