import EventIO
import Logging
import Platform
import SecureLink
import Synchronization
import Vocabulary

/// What is said to a worker from other threads.
enum WorkerMessage: Sendable {
    /// All workers are there: here is how to reach them.
    case begin([Mailbox<WorkerMessage>])
    /// A visitor that another worker accepted.
    case visitor(route: Int, DetachedSocket)
    /// A visitor that the program itself brings; its end is reported.
    case ownVisitor(route: Int, DetachedSocket)
    /// A link that another worker accepted.
    case link(DetachedSocket)
    /// Something about a session that lives on this worker.
    case session(SessionCall)
    /// Links, addresses or routes of the machine have changed.
    case networkChanged
    /// These are the users from now on.
    case passwords(PasswordTable)
    /// Accept no more; what there is goes on.
    case drain
    /// End at once.
    case stop
}

/// What a worker says to the service.
enum WorkerReport: Sendable {
    /// The worker's loop runs.
    case started(Int, Mailbox<WorkerMessage>)
    /// All listeners of the worker are bound.
    case bound
    /// An address could not be bound, or another thing that cannot be done without.
    case failed(SystemFailure)
    /// While draining: the last stream is over. When it has to end at once: there was none to cut off.
    case drained(Int)
    /// While draining: something was cut off that cannot go on.
    case cutOff
    /// It is known whether a peer can be reached; the failure, if it cannot.
    case tried(peer: String, LinkFailure?)
    /// The stream of the program's own visitor has ended.
    case ownVisitorEnded(StreamSummary)
    /// The worker's loop has ended.
    case ended
}

/// One event loop and everything that lives on it: listeners, links, streams.
///
/// Workers share nothing on a byte's way.
final class TunnelWorker {
    let index: Int
    let loop: EventLoop
    let shared: SharedState
    let environment: LinkEnvironment
    let log: TunnelLog
    var random = SystemRandomNumberGenerator()

    let report: @Sendable (WorkerReport) -> Void
    private var workers: [Mailbox<WorkerMessage>] = []
    var peers: [PeerLinks] = []
    var server: ServerLinks?
    var routeListeners: [RouteListener] = []
    var linkListeners: [LinkListener] = []
    var relays: [Relay] = []
    private var finishing: [Relay] = []
    private var isFinishQueued = false
    private var sweep: LoopTimer?
    private var refusals = RefusalCounter()
    private var sleep = SleepWatch()
    private var countedLogs = 0
    private var refusedWatches = 0
    private var manyStreams = StreamCountPeak()
    var isDraining = false
    var hasCutOff = false
    var isStopping = false
    private let idPrefix: String
    private var nextID: UInt64 = 0

    /// How often streams' and sessions' waits are looked at.
    ///
    /// More often would cost; less often would be felt in timeouts.
    private static let sweepInterval = Duration.milliseconds(250)

    init(
        _ index: Int,
        shared: SharedState,
        report: @escaping @Sendable (WorkerReport) -> Void
    ) throws(SystemFailure) {
        self.index = index
        self.shared = shared
        self.report = report
        loop = try EventLoop(pollsBusily: shared.configuration.busyPoll)
        log = shared.log
        var gauges = shared.loads.map(\.traffic)
        environment = LinkEnvironment(
            loop,
            pool: shared.arithmetic,
            gauge: gauges.remove(at: index),
            neighbours: gauges,
            aead: shared.aead
        )
        idPrefix = Self.randomPrefix(index)
    }

    /// Runs until the worker is told to stop.
    func run() {
        let mailbox = Mailbox<WorkerMessage>(loop) { [unowned self] in receive($0) }
        report(.started(index, mailbox))
        sweep = LoopTimer(loop) { [unowned self] in look() }
        sweep?.schedule(after: Self.sweepInterval)
        loop.run()
        routeListeners = []
        linkListeners = []
        report(.ended)
    }

    private func receive(_ message: WorkerMessage) {
        switch message {
        case .begin(let workers):
            self.workers = workers
            begin()
        case .visitor(let route, let connection):
            // Before it counts as a stream: were it both for a moment, the next visitor would go elsewhere.
            shared.loads[index].visitorTaken()
            visit(route, connection, "\(connection.remote)", isOwn: false)
        case .ownVisitor(let route, let connection): visit(route, connection, "stdio", isOwn: true)
        case .link(let connection): server?.accept(connection)
        case .session(let call): server?.answer(call)
        case .networkChanged: networkChanged()
        case .passwords(let table): server?.use(table)
        case .drain: drain()
        case .stop: stop()
        }
    }

    private static func randomPrefix(_ index: Int) -> String {
        let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789".utf8)
        var text = (0..<3).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] }
        text.append(alphabet[index % alphabet.count])
        return String(decoding: text, as: UTF8.self)
    }
}

// MARK: - Beginning

extension TunnelWorker {
    private func begin() {
        let configuration = shared.configuration
        peers = configuration.peers.enumerated().map { index, peer in
            PeerLinks(
                peer,
                store: shared.stores[index],
                status: shared.statuses[index],
                needs: shared.needs[index],
                worker: self
            )
        }
        if let settings = configuration.server, let table = shared.table {
            server = ServerLinks(settings, table: table, worker: self)
        }
        do throws(SystemFailure) {
            if let settings = configuration.server {
                for (number, endpoint) in settings.listen.enumerated() where isMine(number) {
                    for address in try endpoint.listenAddresses() {
                        let listener = try LinkListener(address, worker: self)
                        linkListeners.append(listener)
                        log.listening("server", "links", "\(listener.address)")
                    }
                }
            }
            for (number, route) in configuration.routes.enumerated() where isMine(number) {
                routeListeners.append(try RouteListener(number, route, worker: self))
            }
        } catch {
            report(.failed(error))
            return
        }
        report(.bound)
        for peer in peers {
            peer.whenTried.append { [unowned self] failure in report(.tried(peer: peer.peer.name, failure)) }
            peer.makeReady()
        }
        for listener in routeListeners {
            guard let peer = peers.first(where: { $0.peer.name == listener.route.peer }) else { continue }
            // Visitors are accepted as soon as it is known what can be carried, and not before.
            if peer.wasTried { listener.open() } else { peer.whenTried.append { _ in listener.open() } }
        }
    }

    /// Each listener belongs to one worker, which hands out what it accepts.
    private func isMine(_ number: Int) -> Bool { number % shared.configuration.workers == index }

    func hasSharedRoute(to peer: String) -> Bool {
        shared.configuration.routes.contains { $0.peer == peer && $0.share }
    }

    func hasExclusiveRoute(to peer: String) -> Bool {
        shared.configuration.routes.contains { $0.peer == peer && !$0.share }
    }
}

// MARK: - Accepting

extension TunnelWorker {
    /// A visitor was accepted here: it goes to the worker that has the least to do.
    func accepted(_ connection: DetachedSocket, route: Int) {
        let least = shared.loads.least(from: index, at: loop.now)
        if least == index {
            visit(route, connection, "\(connection.remote)", isOwn: false)
        } else {
            shared.loads[least].visitorSent()
            workers[least].send(.visitor(route: route, connection))
        }
    }

    /// A link was accepted here: links are spread evenly.
    func acceptedLink(_ connection: DetachedSocket, turn: Int) {
        let limit = shared.configuration.limits.maxLinks
        guard shared.links.load(ordering: .relaxed) < limit, !shared.budget.isExhausted else {
            connection.reset()
            noteLimit(shared.budget.isExhausted ? "memory" : "max-links")
            return
        }
        shared.links.add(1, ordering: .relaxed)
        let target = (index + turn) % workers.count
        if target == index {
            server?.accept(connection)
        } else {
            workers[target].send(.link(connection))
        }
    }

    private func visit(_ number: Int, _ connection: DetachedSocket, _ source: String, isOwn: Bool) {
        let socket = StreamSocket(connection, loop: loop)
        let route = shared.configuration.routes[number]
        // The configuration was checked: a route's peer is there.
        guard let peer = peers.first(where: { $0.peer.name == route.peer }) else {
            socket.closeWithReset()
            return
        }
        nextID += 1
        let facts = StreamFacts(
            id: "\(idPrefix)-\(nextID)",
            route: route.name,
            service: route.service,
            peer: peer.peer.name,
            user: peer.peer.user.text,
            source: source,
            target: nil
        )
        guard !isDraining, !shared.budget.isExhausted else {
            socket.closeWithReset()
            if !isDraining { noteLimit("memory") }
            log.streamRefused(facts, isDraining ? .shutdown : .limit, by: .opener)
            return
        }
        let relay = Relay(side: .visitor, facts: facts, settings: route.stream, worker: self)
        relay.socket = socket
        relay.isOwnVisitor = isOwn
        relay.links = peer
        add(relay)
        peer.carry(relay, shares: route.share)
    }
}

// MARK: - Streams

extension TunnelWorker {
    func add(_ relay: Relay) {
        relay.place = relays.count
        relays.append(relay)
        shared.loads[index].set(streams: relays.count)
    }

    /// The relay's last call: it is forgotten, and the log is told.
    func relayEnded(_ relay: Relay, _ outcome: RelayOutcome) {
        let last = relays.removeLast()
        if last !== relay {
            relays[relay.place] = last
            last.place = relay.place
        }
        shared.loads[index].set(streams: relays.count)
        if relays.isEmpty { environment.streamsAreGone() }
        log.streamClosed(relay, outcome, at: loop.now)
        if isDraining, case .sessionEnded = outcome.ending { cutOff() }
        if relay.isOwnVisitor { report(.ownVisitorEnded(StreamSummary(outcome))) }
        if let session = relay.sessionAtEnd {
            switch relay.side {
            case .visitor: relay.links?.streamEnded(on: session)
            default: server?.streamEnded(on: session)
            }
        }
        reportIfDrained()
    }

    /// Ends a relay when what is being done now is done.
    func finishLater(_ relay: Relay) {
        finishing.append(relay)
        guard !isFinishQueued else { return }
        isFinishQueued = true
        loop.atEndOfTurn(self)
    }

    private func look() {
        loop.refreshTime()
        let now = loop.now
        for relay in relays where relay.deadline <= now { relay.timedOut() }
        countLogs()
        if loop.refusedWatches > refusedWatches {
            refusedWatches = loop.refusedWatches
            noteLimit("watches")
        }
        if sleep.hasSlept() { networkChanged() }
        // Who waits for a client that may never come has to make room for those who are here.
        if shared.budget.isExhausted { shared.registry.expireOldest() }
        let mayGrow = shared.budget.allowsGrowth
        for peer in peers { peer.look(at: now, mayGrow: mayGrow) }
        server?.look(mayGrow: mayGrow)
        environment.trim()
        if manyStreams.hasLeft(now: relays.count) {
            loop.trim()
            ProcessControl.trimHeap()
        }
        sweep?.schedule(after: Self.sweepInterval)
    }
}

extension TunnelWorker {
    private func networkChanged() {
        for peer in peers { peer.networkChanged() }
        server?.networkChanged()
    }

    /// How other threads reach the sessions of this worker.
    var callsOfSessions: SessionRegistry.Home {
        let mailbox = workers[index]
        return { mailbox.send(.session($0)) }
    }

    /// What outbound logs hold counts too; it is added up here, because blocks come and go with every turn.
    private func countLogs() {
        let lent = environment.lentBytes
        shared.budget.take(lent - countedLogs)
        countedLogs = lent
    }
}

extension TunnelWorker: TurnEndHandler {
    func turnEnded() {
        isFinishQueued = false
        let done = finishing
        finishing.removeAll(keepingCapacity: true)
        for relay in done { relay.finish() }
    }
}

// MARK: - What is refused

extension TunnelWorker {
    /// A limit was reached.
    func noteLimit(_ which: String) {
        noteRefusal("limit", which)
    }

    /// Something was refused; what the other end has chosen may be shown, but is not what it is counted by, or each
    /// new name would be a new line in the log.
    func noteRefusal(_ what: String, _ reason: String, countedAs key: String? = nil) {
        if let count = refusals.note("\(key ?? what) \(reason)", at: loop.now) {
            log.refused(what, reason, count: count)
        }
    }

    func acceptanceFailed(_ failure: RefusedLink) {
        if let count = refusals.note("greeting \(failure.reason) \(failure.user ?? "")", at: loop.now) {
            log.acceptanceFailed(failure, count: count)
        }
    }
}
