import Basics
import EventIO
import SecureLink
import Vocabulary

/// One worker's sessions to one peer: kept ready, chosen from, made again when they are lost.
final class PeerLinks {
    let peer: PeerConfiguration
    unowned let worker: TunnelWorker
    private let store: CredentialStore
    private let status: PeerStatus
    private let needs: LinkNeeds
    private let plan: LinkPlan
    private var sessions: [Entry] = []
    private var exclusive: ExclusiveLinks
    /// What brings sessions back that have lost their links; each stays for as long as its session.
    private var resumption: [ObjectIdentifier: ResumptionDriver] = [:]
    private var dialer: LinkDialer?
    private var backoff = ReconnectBackoff()
    private var retry: LoopTimer?
    private var dialedAt = Instant.start
    private var roundRobin = 0
    private var waiting: [Relay] = []
    private var isStopping = false
    /// Called once, when it is known whether the peer can be reached.
    var whenTried: [(LinkFailure?) -> Void] = []
    private(set) var wasTried = false

    private struct Entry {
        let session: PeerSession
        var idleSince: Instant?
    }

    init(
        _ peer: PeerConfiguration,
        store: CredentialStore,
        status: PeerStatus,
        needs: LinkNeeds,
        worker: TunnelWorker
    ) {
        self.peer = peer
        self.store = store
        self.status = status
        self.needs = needs
        self.worker = worker
        plan = LinkPlan(peer.links)
        exclusive = ExclusiveLinks(
            keepAlive: peer.link.keepalive.interval,
            isUsed: worker.hasExclusiveRoute(to: peer.name)
        )
        retry = LoopTimer(worker.loop) { [unowned self] in makeReady() }
    }

    /// Whether a shared session can take a stream at once.
    var isReady: Bool { sessions.contains { $0.session.canOpen } }

    /// How many sessions there are, with those that have lost their links.
    var count: Int { sessions.count + exclusive.count }

    /// Whether a peer may not have all that was said on streams that are over.
    var hasUnsettled: Bool { (sessions.map(\.session) + exclusive.all).contains { !$0.isFullyAcknowledged } }

    /// Dials whatever is missing, unless something forbids it now.
    func makeReady() {
        guard !isStopping, dialer == nil, !(retry?.isScheduled ?? false) else { return }
        let wantsShared = worker.hasSharedRoute(to: peer.name) && decide().wantsAnother
        guard wantsShared || exclusive.wantsAnother(isDoubtful) else { return }
        let delay = store.delayAfterRefusal(at: worker.loop.now)
        guard delay == .zero else {
            retry?.schedule(after: delay)
            return
        }
        dial()
    }

    /// A visitor came by a route to this peer: its stream goes over the session that suits it best, or waits for one.
    func carry(_ relay: Relay, shares: Bool) {
        relay.isExclusive = !shares
        if open(relay) { return }
        guard !relay.isOver else { return }
        if sessions.contains(where: { $0.session.isAttached && !$0.session.canOpen && !$0.session.isSpent }) {
            worker.noteLimit("max-streams")
            relay.isHeldUpByLimit = true
        }
        waiting.append(relay)
        relay.connectDeadline = relay.startedAt.advanced(by: relay.settings.connectTimeout)
        exclusive.demand = waiting.count { $0.isExclusive && !$0.isOver }
        makeReady()
    }

    /// No new streams; the peer is told, and sessions end with their last stream.
    func stop() {
        isStopping = true
        dialer = nil
        retry?.cancel()
        for entry in sessions { entry.session.goAway() }
        closeUnused()
    }

    /// Ends everything at once.
    func close() {
        isStopping = true
        for session in sessions.map(\.session) + exclusive.all { session.closeAtOnce() }
    }

    /// Something has changed in the network: links may be gone, and what could not be reached may be there.
    func networkChanged() {
        for session in sessions.map(\.session) + exclusive.all { session.networkChanged() }
        for attempt in resumption.values { attempt.networkChanged() }
        if retry?.isScheduled ?? false, store.delayAfterRefusal(at: worker.loop.now) == .zero {
            retry?.cancel()
            makeReady()
        }
    }

    /// Looks after the sessions: a few times a second.
    func look(at now: Instant, mayGrow: Bool) {
        for session in sessions.map(\.session) + exclusive.all {
            session.mayGrow = mayGrow
            session.rest()
        }
        waiting.removeAll(where: \.isOver)
        // There may be room for a stream, or a sign of life, that nothing else has told of.
        serveWaiting()
        if isStopping {
            closeUnused()
            return
        }
        let decision = decide()
        for index in decision.closes { sessions[index].session.close() }
        for session in exclusive.useless { session.close() }
        makeReady()
    }

    /// A stream is over: its session may have become idle.
    func streamEnded(on session: PeerSession) {
        if let outcome = exclusive.returned(session) {
            if outcome == .close { session.close() }
        } else if let index = sessions.firstIndex(where: { $0.session === session }) {
            if session.streamCount == 0 {
                sessions[index].idleSince = worker.loop.now
                session.streamsAreGone()
            }
            if session.isSpent, session.streamCount == 0 { session.close() }
        }
        serveWaiting()
    }
}

// MARK: - Choosing

extension PeerLinks {
    /// What is to be done about the shared sessions; the other workers are told what this one needs.
    private func decide() -> LinkPlan.Decision {
        // A session whose numbers are used up, or whose peer goes away, is no longer one of those that count; nor is one
        // that waits for a server which does not answer while another does.
        let usable = sessions.filter { !$0.session.isSpent && !isDoubtful($0.session) }
        var decision = plan.decide(
            usable.map { entry in
                LinkPlan.SessionState(
                    streams: entry.session.streamCount,
                    isBusy: entry.session.isBusy,
                    idleSince: entry.idleSince
                )
            },
            others: needs.most(beside: worker.index),
            at: worker.loop.now
        )
        needs.set(decision.need, of: worker.index)
        if usable.count != sessions.count { decision.closes = [] }
        return decision
    }

    private func isDoubtful(_ session: PeerSession) -> Bool {
        resumption[ObjectIdentifier(session)]?.isDoubtful ?? false
    }

    private func open(_ relay: Relay) -> Bool {
        let chosen = relay.isExclusive ? exclusive.take(at: worker.loop.now) : best
        guard let session = chosen, let stream = session.open(relay.request, for: relay) else { return false }
        if let index = sessions.firstIndex(where: { $0.session === session }) {
            sessions[index].idleSince = nil
        }
        relay.stream = stream
        relay.facts.user = session.user
        relay.start()
        // Somebody else may want to open a stream while this one moves its bulk.
        if session.isBusy || relay.isExclusive { makeReady() }
        return true
    }

    /// The session that moves the least bulk; among equals the one with the fewest streams.
    private var best: PeerSession? {
        var best: (session: PeerSession, load: (Int, Int))?
        for entry in sessions where entry.session.canOpen {
            let load = (entry.session.bulkBytes, entry.session.streamCount)
            if let found = best, found.load <= load { continue }
            best = (entry.session, load)
        }
        return best?.session
    }

    private func serveWaiting() {
        guard !waiting.isEmpty, !isStopping else {
            exclusive.demand = 0
            return
        }
        let relays = waiting
        waiting = []
        // Where there was no room for one, there is none for those behind it.
        var isFull = (shared: false, exclusive: false)
        for relay in relays where !relay.isOver {
            if relay.isExclusive ? isFull.exclusive : isFull.shared {
                waiting.append(relay)
            } else if !open(relay), !relay.isOver {
                if relay.isExclusive { isFull.exclusive = true } else { isFull.shared = true }
                waiting.append(relay)
            }
        }
        exclusive.demand = waiting.count(where: \.isExclusive)
    }
}

// MARK: - Dialling

extension PeerLinks {
    private func dial() {
        var addresses = peer.addresses
        if peer.failover == .roundRobin {
            let first = roundRobin % addresses.count
            addresses = Array(addresses[first...] + addresses[..<first])
            roundRobin += 1
        }
        dialedAt = worker.loop.now
        let dialer = LinkDialer(
            to: addresses,
            as: store,
            options: LinkOptions(peer.link, worker.shared.configuration.limits),
            connectTimeout: peer.connectTimeout,
            in: worker.environment
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
            guard !isStopping else {
                session.close()
                return
            }
            backoff.succeeded()
            session.owner = self
            // What was demanded first is served first; a peer with only exclusive routes has no shared session.
            if exclusive.wantsAnother(isDoubtful),
                !decide().wantsAnother || !worker.hasSharedRoute(to: peer.name)
            {
                exclusive.add(session)
            } else {
                sessions.append(Entry(session: session, idleSince: worker.loop.now))
            }
            worker.log.linkEstablished(
                session,
                peer: peer.name,
                took: worker.loop.now.duration(since: dialedAt)
            )
            if status.sessionUp() { worker.log.peerUp(peer.name) }
            serveWaiting()
            tried(nil)
            makeReady()
        case .failure(let failure):
            if status.failed(failure) { worker.log.peerDown(peer.name, failure) }
            retry?.schedule(after: backoff.failed(using: &worker.random))
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

    private func closeUnused() {
        for session in sessions.map(\.session) + exclusive.all where session.streamCount == 0 {
            session.close()
        }
    }
}

// MARK: - What sessions tell

extension PeerLinks: PeerSessionOwner {
    func session(
        _ session: PeerSession,
        opened stream: LinkStream,
        for request: StreamRequest
    ) -> (any StreamEndpoint)? {
        // Services of a client are not published in this version.
        stream.reset(.noService)
        stream.release()
        return nil
    }

    func sessionGoesAway(_ session: PeerSession) {
        if session.streamCount == 0 { session.close() }
        makeReady()
    }

    func session(_ session: PeerSession, ended end: SessionEnd) {
        sessions.removeAll { $0.session === session }
        exclusive.remove(session)
        // What was lost before has been counted then.
        resumption[ObjectIdentifier(session)] = nil
        if !session.hasLostLink { status.sessionDown() }
        worker.ended(session, peer: peer.name, end)
        if isStopping {
            worker.sessionEnded()
        } else {
            // The first attempt is made at once: most links are lost because the line was, and that is often over again.
            makeReady()
        }
    }

    func session(_ session: PeerSession, detached fault: LinkFault) {
        status.sessionDown()
        worker.lostLink(session, peer: peer.name, fault)
        let known = resumption[ObjectIdentifier(session)]
        let attempt = known ?? ResumptionDriver(session, by: way)
        resumption[ObjectIdentifier(session)] = attempt
        attempt.linkLost()
    }

    func session(_ session: PeerSession, resumed resumption: PeerSession.ResumptionSummary) {
        let wasDown = status.sessionUp()
        worker.resumed(session, peer: peer.name, resumption)
        if wasDown { worker.log.peerUp(peer.name) }
        serveWaiting()
    }

    /// How sessions come back.
    private var way: ResumptionDriver.Route {
        ResumptionDriver.Route(
            to: peer.addresses,
            connectTimeout: peer.connectTimeout,
            handshakeTimeout: peer.link.handshakeTimeout,
            failed: { [unowned self] failure in
                if status.failed(failure) { worker.log.peerDown(peer.name, failure) }
            },
            becameDoubtful: { [unowned self] in makeReady() }
        )
    }

    func session(_ session: PeerSession, measured roundTrip: Duration) {
        // The sign of life that who waits for a session of its own may have been waiting for.
        serveWaiting()
    }
}
