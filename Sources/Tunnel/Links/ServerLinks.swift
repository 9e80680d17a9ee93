import Basics
import EventIO
import SecureLink
import Synchronization
import Vocabulary

/// One worker's links from clients: strangers until they have proved themselves, then sessions whose streams go to services.
final class ServerLinks {
    unowned let worker: TunnelWorker
    private var table: PasswordTable
    private let options: LinkOptions
    private var acceptors: [ObjectIdentifier: LinkAcceptor] = [:]
    private var sessions: [ObjectIdentifier: PeerSession] = [:]
    private let resumable: ResumableSessions
    private let services: [String: Service]
    private var isStopping = false

    /// A service and where to begin with its targets.
    private final class Service {
        let configuration: ServiceConfiguration
        let targets: TargetAddresses

        init(_ configuration: ServiceConfiguration, loop: EventLoop) {
            self.configuration = configuration
            targets = TargetAddresses(configuration, loop: loop)
        }
    }

    init(_ server: ServerConfiguration, table: PasswordTable, worker: TunnelWorker) {
        self.worker = worker
        self.table = table
        let configuration = worker.shared.configuration
        options = LinkOptions(server.link, configuration.limits)
        resumable = ResumableSessions(
            worker.shared.registry,
            in: worker.environment,
            home: worker.callsOfSessions
        )
        services = Dictionary(
            configuration.services.map { ($0.name, Service($0, loop: worker.loop)) },
            uniquingKeysWith: { _, last in last }
        )
    }

    /// How many links there are, strangers included.
    var count: Int { acceptors.count + sessions.count }

    /// These are the users from now on: who is not among them any more, or has another password, is cut off.
    func use(_ table: PasswordTable) {
        let old = self.table
        self.table = table
        for session in Array(sessions.values) where !table.retains(session.user, of: old) { session.revoke() }
    }

    /// A link was accepted for this worker.
    func accept(_ connection: DetachedSocket) {
        let began = worker.loop.now
        let table = table
        let acceptor = LinkAcceptor(
            connection,
            table: table,
            options: options,
            gate: worker.shared.gate,
            registry: worker.shared.registry,
            in: worker.environment
        ) { [unowned self] acceptor, result in
            acceptors[ObjectIdentifier(acceptor)] = nil
            accepted(result, by: table, began: began)
        }
        acceptors[ObjectIdentifier(acceptor)] = acceptor
        acceptor.start()
    }

    /// Another thread has something to say to one of the sessions.
    func answer(_ call: SessionCall) {
        if resumable.answer(call) { worker.shared.links.subtract(1, ordering: .relaxed) }
    }

    /// Something has changed in the network: links may be gone.
    func networkChanged() {
        for session in Array(sessions.values) { session.networkChanged() }
    }

    /// No new streams; the peers are told, and sessions end with their last stream.
    func stop() {
        isStopping = true
        dropAcceptors()
        for session in Array(sessions.values) {
            session.goAway()
            if !session.isAttached {
                abandon(session)
            } else if session.streamCount == 0 {
                session.close()
            }
        }
    }

    /// Ends everything at once.
    func close() {
        dropAcceptors()
        for session in Array(sessions.values) { session.closeAtOnce() }
    }

    /// Whether a session has not come to its end.
    var isInUse: Bool { !sessions.isEmpty }

    /// Whether a peer may not have all that was said on streams that are over.
    var hasUnsettled: Bool { sessions.values.contains { !$0.isFullyAcknowledged } }

    /// A stream is over.
    func streamEnded(on session: PeerSession) {
        if isStopping, session.streamCount == 0 { session.close() }
    }

    /// Looks after the sessions: a few times a second.
    func look(mayGrow: Bool) {
        for session in sessions.values {
            session.mayGrow = mayGrow
            session.rest()
        }
    }

    /// Nobody listens any more, so the client of a session without a link cannot come back.
    private func abandon(_ session: PeerSession) {
        if !session.isFullyAcknowledged { worker.cutOff() }
        session.abandon(.shutdown)
    }

    private func dropAcceptors() {
        worker.shared.links.subtract(acceptors.count, ordering: .relaxed)
        acceptors = [:]
    }

    private func accepted(_ result: AcceptanceResult, by table: PasswordTable, began: Instant) {
        switch result {
        case .session(let session):
            session.owner = self
            sessions[ObjectIdentifier(session)] = session
            resumable.add(session)
            worker.log.linkEstablished(session, peer: nil, took: worker.loop.now.duration(since: began))
            if isStopping { session.close() }
            // The users may have changed meanwhile.
            if !self.table.retains(session.user, of: table) { session.revoke() }
        case .handedOver: break
        case .refused(let failure):
            worker.shared.links.subtract(1, ordering: .relaxed)
            worker.acceptanceFailed(failure)
        }
    }
}

// MARK: - What sessions tell

extension ServerLinks: PeerSessionOwner {
    func session(
        _ session: PeerSession,
        opened stream: LinkStream,
        for request: StreamRequest
    ) -> (any StreamEndpoint)? {
        let facts = StreamFacts(
            id: request.trace,
            route: nil,
            service: request.service,
            peer: nil,
            user: session.user,
            source: request.source,
            target: nil
        )
        guard let service = services[request.service] else {
            return refuse(stream, .noService, facts, "service \(request.service)")
        }
        if let allowed = service.configuration.allow, !allowed.contains(session.userName) {
            return refuse(stream, .forbidden, facts, "service \(request.service) for \(session.user)")
        }
        guard !worker.shared.budget.isExhausted else {
            worker.noteLimit("memory")
            return refuse(stream, .limit, facts, nil)
        }
        let relay = Relay(side: .target, facts: facts, settings: service.configuration.stream, worker: worker)
        relay.stream = stream
        relay.connectDeadline = worker.loop.now.advanced(by: relay.settings.connectTimeout)
        worker.add(relay)
        service.targets.find { [weak relay] addresses in
            guard let relay, !relay.isOver else { return }
            if addresses.isEmpty { relay.targetUnresolved() } else { relay.connect(to: addresses) }
        }
        return relay.isOver ? nil : relay
    }

    func sessionGoesAway(_ session: PeerSession) {
        if session.streamCount == 0 { session.close() }
    }

    func session(_ session: PeerSession, ended end: SessionEnd) {
        sessions[ObjectIdentifier(session)] = nil
        resumable.remove(session)
        // What was lost before has been counted then.
        if !session.hasLostLink { worker.shared.links.subtract(1, ordering: .relaxed) }
        worker.ended(session, peer: nil, end)
        if isStopping { worker.sessionEnded() }
    }

    func session(_ session: PeerSession, detached fault: LinkFault) {
        worker.shared.links.subtract(1, ordering: .relaxed)
        worker.lostLink(session, peer: nil, fault)
        if isStopping { abandon(session) } else { resumable.detached(session) }
    }

    func session(_ session: PeerSession, resumed resumption: PeerSession.ResumptionSummary) {
        resumable.attached(session)
        worker.resumed(session, peer: nil, resumption)
    }

    func session(_ session: PeerSession, measured roundTrip: Duration) {}

    private func refuse(
        _ stream: LinkStream,
        _ failure: StreamFailure,
        _ facts: StreamFacts,
        _ what: String?
    ) -> (any StreamEndpoint)? {
        stream.reportTarget(failure)
        stream.reset(failure)
        stream.release()
        worker.log.streamRefused(facts, failure, by: .acceptor)
        if let what { worker.noteRefusal(what, failure.name, countedAs: "stream of \(facts.user)") }
        return nil
    }
}
