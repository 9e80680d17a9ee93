import Vocabulary

/// Decides when the client tries to resume a session that has lost its link.
///
/// It tries at once, then with back-off, until an attempt succeeds, the server says that it does not have the session any more,
/// or the session's time without a link is over.
///
/// ```
/// attached ──link lost──► waiting ──time──► trying ──resumed──► attached
///                            ▲                 ├──denied twice──► over
///                            └────back-off─────┘
/// ```
/// Pure: events go in, actions come out.
struct ResumptionStateMachine {
    /// A step that the shell takes next, in the order of the array.
    enum Action: Equatable {
        /// Call ``waited()`` after this time.
        case wait(Duration)
        /// Try all addresses of the peer, and that of the last link first if `lastAddressFirst` is true.
        ///
        /// `limit` is the time limit for connecting to one address, and again for its answer.
        case attempt(lastAddressFirst: Bool, limit: Duration)
        /// Report a failure that tells something about the state of the peer.
        case report(LinkFailure)
        /// New streams should use another session.
        case becameDoubtful
        /// The session is over.
        case abandon(Abandonment)
    }

    private enum State {
        case attached
        case waiting
        case trying
        case over
    }

    private var state = State.attached
    private var backoff = ReconnectBackoff()
    /// The number of attempts that have failed since the link was lost.
    private var failures = 0
    /// The number of consecutive attempts in which the session's server has said that it does not have the session any more.
    private var denials = 0
    /// Whether the next attempt tries the address of the last link first; alternates with every failure.
    private var triesLastAddress = true
    /// Whether a server answered that does not have the session; another server may have it.
    private var isElsewhere = false

    /// The number of consecutive denials after which the session is over.
    ///
    /// A server denies a request that was altered in transit just like one for an unknown session; but a line that alters two
    /// requests in a row could not carry a session. Larger: the client of a restarted server waits longer for the end of the
    /// session. Smaller: one damaged packet ends a session.
    private static let maxDenials = 2
    /// The number of failures after which new streams no longer wait for the session.
    ///
    /// Larger: they wait longer for a session that no server may take back. Smaller: every short outage of the line costs a
    /// login.
    private static let maxFailures = 3
    /// The time limit for connecting to one address, and for its answer; doubled with each failure.
    ///
    /// Longer: an address that does not answer delays the next one. Shorter: a slow line does not answer in time, although the
    /// next attempt has twice as long.
    private static let firstLimit = Duration.seconds(5)

    init() {}

    /// Whether new streams should use another session, because this one may never be resumed.
    var isDoubtful: Bool {
        switch state {
        case .attached: false
        case .waiting, .trying: isElsewhere || failures >= Self.maxFailures
        case .over: true
        }
    }

    /// The session has lost its link.
    ///
    /// - Parameter mayReconnectNow: whether it may be resumed at once; if links are lost as soon as they are established, there
    ///   has to be a wait.
    /// - Returns: the steps that the shell takes next.
    mutating func linkLost(mayReconnectNow: Bool) -> [Action] {
        if case .over = state { return [] }
        failures = 0
        denials = 0
        isElsewhere = false
        triesLastAddress = true
        backoff.succeeded()
        // A successful attempt may report its success only after this call; ``resumed()`` changes nothing then.
        state = .waiting
        return [.wait(mayReconnectNow ? .zero : ReconnectBackoff.first)]
    }

    /// The wait is over.
    mutating func waited() -> [Action] {
        guard case .waiting = state else { return [] }
        state = .trying
        let limit = Self.firstLimit * (1 << min(failures, 4))
        return [.attempt(lastAddressFirst: triesLastAddress, limit: limit)]
    }

    /// The network has changed: attempts that failed before may succeed now.
    mutating func networkChanged() -> [Action] {
        guard case .waiting = state, failures > 0 else { return [] }
        backoff.succeeded()
        return waited()
    }

    /// The session has another link.
    mutating func resumed() {
        if case .trying = state { state = .attached }
    }

    /// The attempt has failed.
    mutating func attemptFailed(
        _ failure: LinkFailure,
        using random: inout some RandomNumberGenerator
    ) -> [Action] {
        guard case .trying = state else { return [] }
        denials = failure == .sessionGone ? denials + 1 : 0
        guard denials < Self.maxDenials else {
            state = .over
            return [.abandon(.unknownToServer)]
        }
        failures += 1
        if failure == .sessionElsewhere { isElsewhere = true }
        triesLastAddress.toggle()
        state = .waiting
        var actions: [Action] = [.wait(backoff.failed(using: &random))]
        if isDoubtful { actions.append(.becameDoubtful) }
        // The first failure tells more about the loss of the link than about the peer. A server that does not have the session
        // has answered, so the peer is up.
        if failures > 1, failure != .sessionGone, failure != .sessionElsewhere {
            actions.append(.report(failure))
        }
        return actions
    }
}
