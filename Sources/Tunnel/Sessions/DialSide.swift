import Basics
import EventIO
import SecureLink
import Vocabulary

/// Serves one worker's routes to one peer: dials sessions, resumes them, and opens visitors' streams on them.
///
/// The shell of ``SessionPoolStateMachine``.
///
/// Confined to its loop's thread.
final class DialSide {
    /// The surroundings of a ``DialSide``.
    struct Context {
        let environment: LinkEnvironment
        let pool: SessionPool
        let log: TunnelLog
        let refusals: RefusalLog
        let limits: ProcessLimits
        /// The number of this worker, for ``LinkNeeds``.
        let worker: Int
    }

    let share: PeerShare
    private let context: Context
    private var machine: SessionPoolStateMachine<DialledSession>
    private var sessions: [ObjectIdentifier: DialledSession] = [:]
    private var dialer: LinkDialer?
    private var dialedAt = Instant.start
    private var retry: LoopTimer?
    private var roundRobin = 0
    private var random = SystemRandomNumberGenerator()
    /// Visitors whose streams wait for a session.
    private var waiting: [Waiting] = []
    /// Called once, when the first login has succeeded or failed.
    private var whenTried: [(LinkFailure?) -> Void] = []
    private var wasTried = false

    private struct Waiting {
        let relay: Relay
        let isExclusive: Bool
    }

    init(_ share: PeerShare, in context: Context) {
        self.share = share
        self.context = context
        let peer = share.configuration
        machine = SessionPoolStateMachine(
            SessionPoolStateMachine.Demand(
                plan: LinkPlan(peer.links),
                usesShared: share.usesShared,
                usesExclusive: share.usesExclusive,
                // A session that has missed one keep-alive may have a dead link.
                freshness: peer.link.keepalive.interval * 2
            )
        )
        retry = LoopTimer(context.environment.loop) { [unowned self] in
            machine.waited()
            makeReady()
        }
    }

    private var peer: PeerConfiguration { share.configuration }
    private var loop: EventLoop { context.environment.loop }

    /// Calls back when the first login has succeeded or failed: at once, if it already has.
    func onceTried(_ action: @escaping (LinkFailure?) -> Void) {
        if wasTried { action(nil) } else { whenTried.append(action) }
    }

    /// Carries a visitor's stream over the most suitable session, or lets it wait for one.
    func carry(_ relay: Relay, exclusive: Bool) {
        if open(relay, exclusive: exclusive) || relay.isOver { return }
        if machine.isHeldUpByLimit {
            context.refusals.limitReached("max-streams")
            relay.heldUpByLimit()
        }
        waiting.append(Waiting(relay: relay, isExclusive: exclusive))
        countWaiting()
        makeReady()
    }

    /// Takes no new streams: sends GOAWAY to the peer, and closes each session after its last stream.
    func drain() {
        machine.drain()
        dialer = nil
        retry?.cancel()
        waiting = []
        for dialled in sessions.values { dialled.session.goAway() }
        closeSurplus()
    }

    /// The network has changed: an unreachable peer may be reachable again.
    func networkChanged() {
        for dialled in sessions.values { dialled.driver.networkChanged() }
        if retry?.isScheduled ?? false, share.store.delayAfterRefusal(at: loop.now) == .zero {
            retry?.cancel()
            machine.waited()
            makeReady()
        }
    }

    /// Checks the sessions; called a few times a second.
    func look() {
        waiting.removeAll(where: \.relay.isOver)
        // A session may have become usable without a notice.
        serveWaiting()
        closeSurplus()
        makeReady()
    }
}

// MARK: - Sessions

extension DialSide {
    /// Dials a session that is missing, unless it has to wait.
    func makeReady() {
        let others = share.needs.most(beside: context.worker)
        let delay = share.store.delayAfterRefusal(at: loop.now)
        switch machine.makeReady(othersNeed: others, delay: delay, at: loop.now) {
        case .nothing: break
        case .wait(let delay): retry?.schedule(after: delay)
        case .dial: dial()
        }
    }

    private func closeSurplus() {
        let (closes, need) = machine.surplus(
            othersNeed: share.needs.most(beside: context.worker),
            at: loop.now
        )
        share.needs.set(need, of: context.worker)
        for dialled in closes { dialled.session.close() }
    }

    private func dial() {
        var addresses = peer.addresses
        if peer.failover == .roundRobin {
            let first = roundRobin % addresses.count
            addresses = Array(addresses[first...] + addresses[..<first])
            roundRobin += 1
        }
        dialedAt = loop.now
        let dialer = LinkDialer(
            to: addresses,
            as: share.store,
            options: LinkOptions(peer.link, context.limits),
            connectTimeout: peer.connectTimeout,
            in: context.environment
        ) { [weak self] result in
            self?.dialed(result)
        }
        self.dialer = dialer
        dialer.start()
    }

    private func dialed(_ result: Result<PeerSession, LinkFailure>) {
        dialer = nil
        switch result {
        case .success(let session):
            machine.dialSucceeded()
            let dialled = DialledSession(session, ResumptionDriver(session, by: way))
            sessions[ObjectIdentifier(session)] = dialled
            machine.add(dialled, othersNeed: share.needs.most(beside: context.worker), at: loop.now)
            context.pool.add(session, .peer(peer.id), from: self)
            context.log.linkEstablished(session, peer: peer.name, took: loop.now.duration(since: dialedAt))
            if share.status.sessionUp() { context.log.peerUp(peer.name) }
            serveWaiting()
            tried(nil)
            makeReady()
        case .failure(let failure):
            if share.status.failed(failure) { context.log.peerDown(peer.name, failure) }
            if case .wait(let time) = machine.dialFailed(using: &random) { retry?.schedule(after: time) }
            tried(failure)
        }
    }

    private func tried(_ failure: LinkFailure?) {
        guard !wasTried else { return }
        wasTried = true
        let actions = whenTried
        whenTried = []
        for action in actions { action(failure) }
    }

    /// The addresses, time limits and callbacks for resuming sessions.
    private var way: ResumptionDriver.Route {
        ResumptionDriver.Route(
            to: peer.addresses,
            connectTimeout: peer.connectTimeout,
            handshakeTimeout: peer.link.handshakeTimeout,
            failed: { [unowned self] failure in
                if share.status.failed(failure) { context.log.peerDown(peer.name, failure) }
            },
            becameDoubtful: { [unowned self] in makeReady() }
        )
    }
}

// MARK: - Streams

extension DialSide {
    private func open(_ relay: Relay, exclusive: Bool) -> Bool {
        switch machine.choose(exclusive: exclusive, at: loop.now) {
        case .open(let dialled):
            guard let stream = dialled.session.open(relay.request, for: relay) else {
                machine.refused(dialled)
                return false
            }
            relay.facts.user = dialled.session.user
            relay.carried(by: stream)
            // The next stream may come while this session is busy.
            if exclusive || dialled.isBusy { makeReady() }
            return true
        case .wait(let silent):
            for dialled in silent { dialled.session.ping() }
            return false
        }
    }

    private func serveWaiting() {
        guard !waiting.isEmpty, !machine.isDrained else { return }
        let found = waiting
        waiting = []
        // If there was no room for one stream, there is none for those of its kind behind it.
        var isFull = (shared: false, exclusive: false)
        for entry in found where !entry.relay.isOver {
            let isKnownFull = entry.isExclusive ? isFull.exclusive : isFull.shared
            if !isKnownFull, open(entry.relay, exclusive: entry.isExclusive) || entry.relay.isOver {
                continue
            }
            if entry.isExclusive { isFull.exclusive = true } else { isFull.shared = true }
            waiting.append(entry)
        }
        countWaiting()
    }

    private func countWaiting() {
        machine.waiting(exclusive: waiting.count { $0.isExclusive && !$0.relay.isOver })
    }
}

// MARK: - Events from sessions

extension DialSide: SessionSource {
    func streamEnded(on session: PeerSession) {
        guard let dialled = sessions[ObjectIdentifier(session)] else { return }
        if machine.streamEnded(on: dialled, at: loop.now) { session.close() }
        if session.streamCount == 0 { session.streamsAreGone() }
        serveWaiting()
    }

    func poolChanged() {
        // A measured round trip may be the answer to the ping that an exclusive stream waits for.
        serveWaiting()
        makeReady()
    }

    func linkLost(_ session: PeerSession, _ fault: LinkFault) {
        share.status.sessionDown()
        context.log.linkLost(session, peer: peer.name, fault)
        sessions[ObjectIdentifier(session)]?.driver.linkLost()
    }

    func linkResumed(_ session: PeerSession, _ summary: PeerSession.ResumptionSummary) {
        let wasDown = share.status.sessionUp()
        context.log.resumed(session, peer: peer.name, summary)
        if wasDown { context.log.peerUp(peer.name) }
        serveWaiting()
    }

    func sessionEnded(_ session: PeerSession, _ end: SessionEnd) {
        if let dialled = sessions.removeValue(forKey: ObjectIdentifier(session)) { machine.remove(dialled) }
        // A link that was lost earlier has already been counted.
        if !session.hasLostLink { share.status.sessionDown() }
        context.log.sessionEnded(session, peer: peer.name, end)
        // Dials at once: most sessions are lost because the network failed, and it often works again soon.
        makeReady()
    }
}

/// A session that was dialled, with the driver that resumes it.
final class DialledSession {
    let session: PeerSession
    let driver: ResumptionDriver

    init(_ session: PeerSession, _ driver: ResumptionDriver) {
        self.session = session
        self.driver = driver
    }
}

extension DialledSession: PooledSession {
    var canOpen: Bool { session.canOpen }
    var isAttached: Bool { session.isAttached }
    var isSpent: Bool { session.isSpent }
    var isDoubtful: Bool { driver.isDoubtful }
    var isBusy: Bool { session.isBusy }
    var bulkBytes: Int { session.bulkBytes }
    var streamCount: Int { session.streamCount }
    var lastReceived: Instant { session.lastReceived }
}
