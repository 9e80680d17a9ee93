package import EventIO

/// Takes one session to another link whenever it has lost its own: tries at once, then with back-off, until it works, the
/// server says that it has the session no more, or the session's time is over.
///
/// Each session comes back by itself. Confined to its loop's thread.
package final class Reattaching {
    /// What is told of attempts that have failed, and where the peer is.
    package struct Way {
        /// Where the peer is.
        package var endpoints: [Endpoint]
        /// How long one address may take to be connected to, and how long to answer, at most.
        package var connectTimeout: Duration
        package var handshakeTimeout: Duration
        /// Called when an attempt has failed in a way that says something of the peer, but for the first one: that comes in
        /// the moment in which the link was lost, and says more of that moment than of what follows.
        package var failed: (LinkFailure) -> Void
        /// Called when new streams had better have another session.
        package var becameDoubtful: () -> Void

        package init(
            to endpoints: [Endpoint],
            connectTimeout: Duration,
            handshakeTimeout: Duration,
            failed: @escaping (LinkFailure) -> Void,
            becameDoubtful: @escaping () -> Void
        ) {
            self.endpoints = endpoints
            self.connectTimeout = connectTimeout
            self.handshakeTimeout = handshakeTimeout
            self.failed = failed
            self.becameDoubtful = becameDoubtful
        }
    }

    private let session: PeerSession
    private let way: Way
    private var random = SystemRandomNumberGenerator()
    private var reattacher: LinkReattacher?
    private var backoff = ReconnectBackoff()
    private var retry: LoopTimer?
    /// How many attempts have failed since the link was lost.
    private var failures = 0
    /// How often in a row the server that had the session has said that it has it no more.
    private var denials = 0
    /// Whether the address of the last link is tried first: it was not reached the last time, if not.
    private var triesLastAddress = true
    /// Whether a server that answered did not have the session; another may.
    private var isElsewhere = false

    /// After so many denials the session is over.
    ///
    /// A hello that was altered on its way is denied like one of a session that is not there; two in a row are not altered
    /// on any line that could carry a session.
    private static let mostDenials = 2
    /// After so many failures new streams do not wait for the session any longer.
    ///
    /// More, and they would wait in vain for one that a server does not know how to take back; fewer, and each moment
    /// without a line would cost a login.
    private static let mostFailures = 3
    /// How long one address may take to be connected to, and how long to answer; doubled with each failure.
    ///
    /// A link that stood a moment ago is there again quickly or not at all, and if the line is only slow, the next try has
    /// more time.
    private static let firstWait = Duration.seconds(5)

    /// For this session, whose client is here.
    package init(_ session: PeerSession, by way: Way) {
        self.session = session
        self.way = way
        retry = LoopTimer(session.environment.loop) { [unowned self] in attempt() }
    }

    /// Whether new streams had better have another session: this one may never come back.
    package var isDoubtful: Bool { !session.isAttached && (isElsewhere || failures >= Self.mostFailures) }

    /// The session has lost its link.
    ///
    /// Nothing is tried from within the session's own call, because what is tried may end the session.
    package func begin() {
        failures = 0
        denials = 0
        isElsewhere = false
        triesLastAddress = true
        backoff.succeeded()
        // Links that are lost as soon as they stand are not worth one attempt after the other.
        retry?.schedule(after: session.mayHurry() ? .zero : ReconnectBackoff.first)
    }

    private func attempt() {
        retry?.cancel()
        guard reattacher == nil else { return }
        let wait = Self.firstWait * (1 << min(failures, 4))
        let reattacher = LinkReattacher(
            session,
            to: way.endpoints,
            first: triesLastAddress ? session.remote : nil,
            connectTimeout: min(way.connectTimeout, wait),
            answerTimeout: min(way.handshakeTimeout, wait)
        ) { [weak self] failure in
            self?.tried(failure)
        }
        self.reattacher = reattacher
        reattacher.start()
    }

    /// Something has changed in the network: what did not work may work now.
    package func networkChanged() {
        if retry?.isScheduled ?? false, failures > 0 {
            backoff.succeeded()
            attempt()
        }
    }

    private func tried(_ failure: LinkFailure?) {
        reattacher = nil
        guard let failure else { return }
        denials = failure == .sessionGone ? denials + 1 : 0
        guard denials < Self.mostDenials else {
            session.abandon(.unknownToServer)
            return
        }
        failures += 1
        if failure == .sessionElsewhere { isElsewhere = true }
        triesLastAddress.toggle()
        retry?.schedule(after: backoff.failed(using: &random))
        if isDoubtful { way.becameDoubtful() }
        // A server that does not have the session answers, which is all that is asked of a peer.
        if failures > 1, failure != .sessionGone, failure != .sessionElsewhere {
            way.failed(failure)
        }
    }
}
