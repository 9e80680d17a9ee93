import Vocabulary

/// Decides when a session that has lost its link is tried to be resumed: at once, then with back-off, until it works, the
/// server says that it does not have the session any more, or the session's time is over.
///
/// ```
/// attached ──link lost──► waiting ──time──► trying ──resumed──► attached
///                            ▲                 ├──denied twice──► over
///                            └────back-off─────┘
/// ```
/// Pure: events go in, actions come out.
struct ResumptionStateMachine {
    /// What the shell does next, in this order.
    enum Action: Equatable {
        /// Call ``waited()`` after this time.
        case wait(Duration)
        /// Try all addresses of the peer, that of the last link first or not; one address gets so long to be connected to, and as
        /// long to answer.
        case attempt(lastAddressFirst: Bool, limit: Duration)
        /// Report a failure that says something about the peer.
        case report(LinkFailure)
        /// New streams should have another session.
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
    /// Attempts that have failed since the link was lost.
    private var failures = 0
    /// How often in a row the server that had the session has said that it does not have it any more.
    private var denials = 0
    /// Whether the address of the last link is tried first: not if it was not reached the last time.
    private var triesLastAddress = true
    /// Whether a server that answered did not have the session; another may.
    private var isElsewhere = false

    /// After so many denials the session is over.
    ///
    /// A request that was altered on its way is denied like one for a session that is not there. Two in a row are not altered on
    /// any line that could carry a session. More: a client of a restarted server waits longer to be told. Fewer: one damaged
    /// packet ends a session.
    private static let maxDenials = 2
    /// After so many failures new streams do not wait for the session any more.
    ///
    /// More: they wait in vain for a session that no server takes back. Fewer: each moment without a line costs a login.
    private static let maxFailures = 3
    /// How long one address may take to be connected to, and how long to answer; doubled with each failure.
    ///
    /// Longer: an address that is gone delays the next one. Shorter: a slow line never answers in time; but the next attempt
    /// has twice as long.
    private static let firstLimit = Duration.seconds(5)

    init() {}

    /// Whether new streams should have another session, because this one may never be resumed.
    var isDoubtful: Bool {
        switch state {
        case .attached: false
        case .waiting, .trying: isElsewhere || failures >= Self.maxFailures
        case .over: true
        }
    }

    /// The session has lost its link.
    ///
    /// - Parameter mayReconnectNow: whether it may be resumed at once; links that are lost as soon as they stand are not worth one
    ///   attempt after the other.
    /// - Returns: what the shell does next.
    mutating func linkLost(mayReconnectNow: Bool) -> [Action] {
        if case .over = state { return [] }
        failures = 0
        denials = 0
        isElsewhere = false
        triesLastAddress = true
        backoff.succeeded()
        // An attempt that has just succeeded may say so only after this; it changes nothing then.
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

    /// The network has changed: what failed before may work now.
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
        // The first failure says more about the moment in which the link was lost than about the peer. And a server that does not
        // have the session answers, which is all that is asked of a peer.
        if failures > 1, failure != .sessionGone, failure != .sessionElsewhere {
            actions.append(.report(failure))
        }
        return actions
    }
}
