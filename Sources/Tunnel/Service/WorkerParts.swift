import EventIO
import SecureLink

/// The parts of one worker and their connections: doors, sides, sessions, relays.
///
/// Confined to its loop's thread.
final class WorkerParts {
    let environment: LinkEnvironment
    let pool: SessionPool
    let relays: RelaySet
    private let shared: SharedState
    private(set) var dialSides: [DialSide] = []
    private(set) var acceptSide: AcceptSide?
    private(set) var visitorDoor: VisitorDoor?
    private var serviceStreams: ServiceStreams?
    private var linkDoor: LinkDoor?
    private var entrances: [Entrance] = []
    private var housekeeping: Housekeeping?

    /// The parts of a worker before it begins.
    init(_ number: Int, shared: SharedState) throws(SystemFailure) {
        self.shared = shared
        let loop = try EventLoop(pollsBusily: shared.configuration.busyPoll)
        var gauges = shared.loads.map(\.traffic)
        environment = LinkEnvironment(
            loop,
            pool: shared.arithmetic,
            gauge: gauges.remove(at: number),
            neighbours: gauges,
            aead: shared.aead
        )
        pool = SessionPool()
        let refusals = RefusalLog(shared.log, loop: loop)
        let context = RelayContext(loop: loop, budget: shared.admission.budget, refusals: refusals)
        relays = RelaySet(in: context, log: shared.log, load: shared.loads[number])
    }

    /// Whether there is no stream and no session.
    var isEmpty: Bool { relays.count == 0 && pool.isEmpty }

    /// Whether stopping now cuts off a stream, or loses bytes that a peer has not acknowledged.
    var cutsOff: Bool { relays.count > 0 || pool.hasUnacknowledged }
}

// MARK: - Beginning

extension WorkerParts {
    /// Connects the parts and opens the listeners: for links at once, for visitors after the first login to their peer.
    ///
    /// - Parameters:
    ///   - workers: all workers, in the table of this one.
    ///   - listeners: the listeners of this worker.
    ///   - cutOff: called when a session is abandoned before its peer has received everything.
    func begin(_ workers: WorkerTable, _ listeners: [ListenerAssignment], cutOff: @escaping () -> Void) {
        makeDialSides(workers)
        makeAcceptSide(workers, cutOff)
        makeVisitorDoor(workers)
        housekeeping = Housekeeping(
            environment,
            relays: relays,
            pool: pool,
            dialSides: dialSides,
            admission: shared.admission,
            registry: shared.registry
        ) { [unowned self] in networkChanged() }
        for listener in listeners { makeEntrance(listener) }
    }

    private func makeDialSides(_ workers: WorkerTable) {
        let context = DialSide.Context(
            environment: environment,
            pool: pool,
            log: shared.log,
            refusals: relays.context.refusals,
            limits: shared.configuration.limits,
            worker: workers.own
        )
        for peer in shared.configuration.peers {
            if let share = shared.peers[peer.id] { dialSides.append(DialSide(share, in: context)) }
        }
    }

    private func makeAcceptSide(_ workers: WorkerTable, _ cutOff: @escaping () -> Void) {
        let configuration = shared.configuration
        guard let server = configuration.server, let table = shared.table else { return }
        let mailbox = workers.mine.mailbox
        let context = AcceptSide.Context(
            environment: environment,
            pool: pool,
            log: shared.log,
            refusals: relays.context.refusals,
            admission: shared.admission,
            gate: shared.gate,
            registry: shared.registry,
            home: { mailbox.send(.session($0)) }
        )
        let side = AcceptSide(LinkOptions(server.link, configuration.limits), table: table, in: context)
        side.cutOff = cutOff
        acceptSide = side
        linkDoor = LinkDoor(
            side,
            admission: shared.admission,
            workers: workers,
            refusals: relays.context.refusals
        )
        let services = ServiceTable(configuration.services, loop: environment.loop)
        let streams = ServiceStreams(services, relays: relays, admission: shared.admission, log: shared.log)
        serviceStreams = streams
        pool.server = streams
    }

    private func makeVisitorDoor(_ workers: WorkerTable) {
        var routes: [RouteName: VisitorDoor.Route] = [:]
        for route in shared.configuration.routes {
            guard let side = dialSides.first(where: { $0.share.configuration.id == route.peerID }) else {
                continue
            }
            routes[route.id] = VisitorDoor.Route(configuration: route, dialSide: side)
        }
        visitorDoor = VisitorDoor(
            routes,
            relays: relays,
            admission: shared.admission,
            workers: workers,
            log: shared.log
        )
    }

    private func makeEntrance(_ assignment: ListenerAssignment) {
        let loop = environment.loop
        switch assignment.purpose {
        case .links:
            guard let door = linkDoor else { return }
            let entrance = Entrance(assignment, loop: loop, log: shared.log) { door.accepted($0) }
            entrances.append(entrance)
            entrance.open()
        case .route(let name):
            guard let door = visitorDoor else { return }
            let entrance = Entrance(assignment, loop: loop, log: shared.log) {
                door.accepted($0, route: name)
            }
            entrances.append(entrance)
            // Visitors wait for the first login to the peer: only then is it known whether their streams can be carried.
            door.dialSide(of: name)?.onceTried { _ in entrance.open() }
        }
    }
}

// MARK: - Running and ending

extension WorkerParts {
    /// The network has changed: links may be dead, and unreachable peers may be reachable again.
    func networkChanged() {
        pool.networkChanged()
        for side in dialSides { side.networkChanged() }
    }

    /// Accepts nothing new: sessions end with their last stream.
    func takeNothingNew() {
        closeDoors()
        for side in dialSides { side.drain() }
        acceptSide?.drain()
        relays.endUnjoined()
    }

    /// Ends all streams, and at the turn's end all sessions.
    func endAll() {
        closeDoors()
        acceptSide?.dropAcceptors()
        relays.endAll()
        pool.closeAll()
    }

    private func closeDoors() {
        visitorDoor?.close()
        for entrance in entrances { entrance.close() }
    }
}
