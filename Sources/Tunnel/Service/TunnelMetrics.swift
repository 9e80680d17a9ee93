import Basics
import CoreMetrics
import SecureLink

/// What is counted of links and sessions, for whatever backend the program has set up.
///
/// Without one, counting does nothing. Labels are the peer's name at the end that dialled and the user's at the other, never
/// an address. Safe from any thread; called for each link that comes or goes, never for a byte.
struct TunnelMetrics: Sendable {
    /// A session has lost its link.
    func linkLost(_ session: PeerSession, peer: String?) {
        Counter(label: "sallyport_links_lost_total", dimensions: labels(session, peer)).increment()
    }

    /// A session has another link.
    func reattached(_ session: PeerSession, peer: String?, _ reattachment: PeerSession.Reattachment) {
        let labels = labels(session, peer)
        Counter(label: "sallyport_links_reattached_total", dimensions: labels).increment()
        Counter(label: "sallyport_resent_bytes_total", dimensions: labels)
            .increment(by: Int64(reattachment.resentBytes))
        Timer(label: "sallyport_link_gap", dimensions: labels, preferredDisplayUnit: .seconds)
            .recordNanoseconds(Int64(clamping: reattachment.gap.wholeNanoseconds))
    }

    /// A session is over, with so many streams in it.
    func sessionEnded(_ session: PeerSession, peer: String?, _ reason: SessionEndReason) {
        let labels = labels(session, peer) + [("reason", reason.reason)]
        Counter(label: "sallyport_sessions_ended_total", dimensions: labels).increment()
        Counter(label: "sallyport_streams_cut_off_total", dimensions: labels)
            .increment(by: Int64(session.interruptedStreams))
    }

    private func labels(_ session: PeerSession, _ peer: String?) -> [(String, String)] {
        [peer.map { ("peer", $0) } ?? ("user", session.userName)]
    }
}
