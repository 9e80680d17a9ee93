import EventIO
import SecureLink

/// Takes one session that has lost its link to another one: tries at once, then with back-off, until it works, the server
/// says that it has the session no more, or the session's time is over.
///
/// Each session comes back by itself. Confined to its worker's thread.
final class Reattaching {
    private let session: PeerSession
    private unowned let links: PeerLinks
    private var reattacher: LinkReattacher?
    private var backoff = ReconnectBackoff()
    private var retry: LoopTimer?
    /// How many attempts have failed.
    private var failures = 0
    /// How often in a row the server that had the session has said that it has it no more.
    private var denials = 0
    /// Whether the address of the last link is tried first: it was not reached the last time, if not.
    private var triesLastAddress = true
    /// Whether a server that answered did not have the session; another may, but new streams need not wait for it.
    private(set) var isElsewhere = false

    /// After so many denials the session is over.
    ///
    /// A hello that was altered on its way is denied like one of a session that is not there; two in a row are not altered
    /// on any line that could carry a session.
    private static let mostDenials = 2

    init(_ session: PeerSession, of links: PeerLinks) {
        self.session = session
        self.links = links
        retry = LoopTimer(links.worker.loop) { [unowned self] in attempt() }
    }

    /// Begins; not from within the session's own call, because what is tried may end the session.
    func begin() {
        retry?.schedule(after: .zero)
    }

    private func attempt() {
        retry?.cancel()
        guard reattacher == nil else { return }
        let peer = links.peer
        let reattacher = LinkReattacher(
            session,
            to: peer.addresses,
            first: triesLastAddress ? session.remote : nil,
            options: LinkOptions(peer.link, links.worker.shared.configuration.limits),
            connectTimeout: peer.connectTimeout
        ) { [weak self] failure in
            self?.tried(failure)
        }
        self.reattacher = reattacher
        reattacher.start()
    }

    /// Something has changed in the network: what did not work may work now.
    func networkChanged() {
        if retry?.isScheduled ?? false {
            backoff.succeeded()
            attempt()
        }
    }

    private func tried(_ failure: LinkFailure?) {
        reattacher = nil
        guard let failure else { return }
        denials = failure == .sessionGone ? denials + 1 : 0
        guard denials < Self.mostDenials else {
            session.abandon()
            return
        }
        if failure == .sessionElsewhere {
            isElsewhere = true
            links.makeReady()
        }
        triesLastAddress.toggle()
        retry?.schedule(after: backoff.failed(using: &links.worker.random))
        failures += 1
        // The first comes in the moment in which the link was lost, and says more of that moment than of what follows.
        if failures > 1 { links.reattachingFailed(failure) }
    }
}
