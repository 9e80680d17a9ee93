import Basics
import SecureLink

/// The state of a session that the pool's decisions depend on.
///
/// It is only read.
protocol PooledSession: AnyObject {
    /// Whether it can take a stream at once.
    var canOpen: Bool { get }
    /// Whether it has a link.
    var isAttached: Bool { get }
    /// Whether it can never take another stream.
    var isSpent: Bool { get }
    /// Whether it may never get a link again.
    var isDoubtful: Bool { get }
    /// Whether it moves bulk, so that a new stream should use another session.
    var isBusy: Bool { get }
    /// The number of bytes of bulk that it moves.
    var bulkBytes: Int { get }
    /// The number of streams that it carries.
    var streamCount: Int { get }
    /// The time when bytes last came from its peer.
    var lastReceived: Instant { get }
}

/// Decides about the sessions with one peer: which one carries a stream, when to dial another, and which ones to close.
///
/// Shared sessions carry any number of streams and are planned by ``LinkPlan``. Exclusive sessions carry one stream at a time:
/// some are kept ready, and a session whose peer has been silent for long is not used until the peer has answered a ping.
///
/// ```
/// dialling:  idle ──wants another──► dialling ──succeeded──► idle
///             ▲                          └──failed──► waiting
///             └───────────── time ─────────────────────┘        drained: nothing is dialled any more
/// ```
/// Pure: it reads sessions and calls nothing on them.
struct SessionPoolStateMachine<Session: PooledSession> {
    /// The routes' demand for sessions.
    struct Demand {
        /// The plan for the number of shared sessions.
        var plan: LinkPlan
        /// Whether a route shares sessions.
        var usesShared: Bool
        /// Whether a route wants a session for each stream.
        var usesExclusive: Bool
        /// The maximum silence of a session that an exclusive stream is opened on.
        var freshness: Duration
    }

    /// The session for a stream, if there is one.
    enum Choice {
        /// Open it on this session.
        case open(Session)
        /// Let it wait, and ping these sessions: an answer makes them usable.
        case wait(ping: [Session])
    }

    /// The next step of dialling.
    enum Dialling: Equatable {
        case nothing
        /// Dial, and report ``dialSucceeded()`` or ``dialFailed(using:)``.
        case dial
        /// Call ``waited()`` after this time.
        case wait(Duration)
    }

    private enum Dial {
        case idle
        case dialling
        case waiting
        case drained
    }

    private struct Shared {
        let session: Session
        var idleSince: Instant?
    }

    private let demand: Demand
    private var shared: [Shared] = []
    /// Exclusive sessions without a stream; the most recently used one is last.
    private var ready: [Session] = []
    /// Exclusive sessions with a stream.
    private var taken: [Session] = []
    /// The number of streams that wait for an exclusive session.
    private var exclusiveDemand = 0
    private var dial = Dial.idle
    private var backoff = ReconnectBackoff()

    /// The number of exclusive sessions that are ready while no stream waits: for a visitor and for the next one right after it.
    ///
    /// Larger: each costs a link that is not used. Smaller: the second of two visitors waits for a handshake.
    private static var spare: Int { 2 }
    /// The number of exclusive sessions that are kept after a burst of visitors.
    ///
    /// Larger: links that are not used. Smaller: the next burst waits for handshakes.
    private static var maxReady: Int { 8 }

    init(_ demand: Demand) {
        self.demand = demand
    }

    /// All sessions.
    var sessions: [Session] { shared.map(\.session) + ready + taken }
    /// The number of sessions, including those that have lost their links.
    var count: Int { shared.count + ready.count + taken.count }
    /// Whether this end takes no new streams.
    var isDrained: Bool { dial == .drained }
}

// MARK: - Sessions come and go

extension SessionPoolStateMachine {
    /// A session has begun.
    mutating func add(_ session: Session, othersNeed: Int, at now: Instant) {
        // The demand for shared sessions is served first; a peer with only exclusive routes has none.
        if !demand.usesShared || (wantsExclusive && !plan(othersNeed, at: now).wantsAnother) {
            ready.append(session)
        } else {
            shared.append(Shared(session: session, idleSince: now))
        }
    }

    /// A session is over.
    mutating func remove(_ session: Session) {
        shared.removeAll { $0.session === session }
        ready.removeAll { $0 === session }
        taken.removeAll { $0 === session }
    }

    /// A stream of this session is over.
    ///
    /// - Returns: whether to close the session.
    mutating func streamEnded(on session: Session, at now: Instant) -> Bool {
        if let index = taken.firstIndex(where: { $0 === session }) {
            taken.remove(at: index)
            ready.append(session)
            return isDrained || session.isSpent || ready.count > Self.maxReady
        }
        guard session.streamCount == 0 else { return false }
        if let index = shared.firstIndex(where: { $0.session === session }) { shared[index].idleSince = now }
        return isDrained || session.isSpent
    }
}

// MARK: - Streams

extension SessionPoolStateMachine {
    /// Chooses the session that carries a stream.
    mutating func choose(exclusive: Bool, at now: Instant) -> Choice {
        if isDrained { return .wait(ping: []) }
        if exclusive { return chooseExclusive(at: now) }
        var best: (index: Int, load: (Int, Int))?
        for (index, entry) in shared.enumerated() where entry.session.canOpen {
            // The session that moves the least bulk; among equals, the one with the fewest streams.
            let load = (entry.session.bulkBytes, entry.session.streamCount)
            if let found = best, found.load <= load { continue }
            best = (index, load)
        }
        guard let best else { return .wait(ping: []) }
        shared[best.index].idleSince = nil
        return .open(shared[best.index].session)
    }

    /// The session that was chosen did not take the stream.
    mutating func refused(_ session: Session) {
        guard let index = taken.firstIndex(where: { $0 === session }) else { return }
        ready.append(taken.remove(at: index))
    }

    /// Sets the number of streams that wait for an exclusive session.
    mutating func waiting(exclusive: Int) {
        exclusiveDemand = exclusive
    }

    private mutating func chooseExclusive(at now: Instant) -> Choice {
        // The most recently used session is the most likely to have a working link.
        let index = ready.lastIndex { $0.canOpen && now.duration(since: $0.lastReceived) < demand.freshness }
        guard let index else { return .wait(ping: ready) }
        let session = ready.remove(at: index)
        taken.append(session)
        return .open(session)
    }

    /// Whether there is a session, but its peer allows no more streams on it.
    var isHeldUpByLimit: Bool {
        shared.contains { $0.session.isAttached && !$0.session.canOpen && !$0.session.isSpent }
    }
}

// MARK: - Maintenance

extension SessionPoolStateMachine {
    /// The sessions to close, and the number of shared ones that this worker itself needs.
    func surplus(othersNeed: Int, at now: Instant) -> (closes: [Session], need: Int) {
        if isDrained { return (sessions.filter { $0.streamCount == 0 }, 0) }
        let decision = plan(othersNeed, at: now)
        // While a shared session is not usable, the plan's indices do not match `shared`.
        let isWhole = usable.count == shared.count
        let closes = isWhole ? decision.closes.map { shared[$0].session } : []
        return (
            closes + ready.filter(\.isSpent)
                + ready.filter { $0.isAttached && !$0.isSpent }.dropLast(Self.maxReady),
            decision.need
        )
    }

    /// Whether to dial now.
    ///
    /// - Parameters:
    ///   - othersNeed: the largest number of shared sessions that another worker needs to the same peer.
    ///   - delay: the wait before the next attempt, if the peer has refused the password.
    ///   - now: the loop's clock.
    /// - Returns: the next step of dialling.
    mutating func makeReady(othersNeed: Int, delay: Duration, at now: Instant) -> Dialling {
        guard dial == .idle else { return .nothing }
        guard (demand.usesShared && plan(othersNeed, at: now).wantsAnother) || wantsExclusive else {
            return .nothing
        }
        guard delay == .zero else {
            dial = .waiting
            return .wait(delay)
        }
        dial = .dialling
        return .dial
    }

    /// The login succeeded.
    mutating func dialSucceeded() {
        backoff.succeeded()
        if dial == .dialling { dial = .idle }
    }

    /// The login failed.
    mutating func dialFailed(using random: inout some RandomNumberGenerator) -> Dialling {
        guard dial == .dialling else { return .nothing }
        dial = .waiting
        return .wait(backoff.failed(using: &random))
    }

    /// The wait is over, or a change of the network has made it pointless.
    mutating func waited() {
        if dial == .waiting { dial = .idle }
    }

    /// This end takes no new streams.
    mutating func drain() {
        dial = .drained
        exclusiveDemand = 0
    }

    /// The shared sessions, without those that can take no more streams or may never get a link again.
    private var usable: [Shared] { shared.filter { !$0.session.isSpent && !$0.session.isDoubtful } }

    private var wantsExclusive: Bool {
        demand.usesExclusive
            && ready.count { !$0.isDoubtful } < max(Self.spare, min(exclusiveDemand, Self.maxReady))
    }

    private func plan(_ othersNeed: Int, at now: Instant) -> LinkPlan.Decision {
        demand.plan.decide(
            usable.map { entry in
                LinkPlan.SessionState(
                    streams: entry.session.streamCount,
                    isBusy: entry.session.isBusy,
                    idleSince: entry.idleSince
                )
            },
            others: othersNeed,
            at: now
        )
    }
}
