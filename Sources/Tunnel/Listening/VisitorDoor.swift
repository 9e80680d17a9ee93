import Basics
import EventIO
import Vocabulary

/// Accepts visitors on one worker.
///
/// Each visitor goes to the worker with the least load. That worker creates a relay, and the dial side carries its stream to the
/// route's peer.
///
/// Confined to its loop's thread.
final class VisitorDoor {
    /// A route, and the dial side of its peer.
    struct Route {
        let configuration: RouteConfiguration
        let dialSide: DialSide
    }

    private let routes: [RouteName: Route]
    private let relays: RelaySet
    private let admission: Admission
    private let workers: WorkerTable
    private let log: TunnelLog
    private unowned let loop: EventLoop
    private var isClosed = false
    private let idPrefix: String
    private var nextID: UInt64 = 0

    init(
        _ routes: [RouteName: Route],
        relays: RelaySet,
        admission: Admission,
        workers: WorkerTable,
        log: TunnelLog
    ) {
        self.routes = routes
        self.relays = relays
        self.admission = admission
        self.workers = workers
        self.log = log
        loop = relays.context.loop
        idPrefix = Self.randomPrefix(workers.own)
    }

    /// The dial side of a route's peer.
    func dialSide(of route: RouteName) -> DialSide? { routes[route]?.dialSide }

    /// Refuses visitors from now on.
    func close() {
        isClosed = true
    }

    /// Passes a visitor that a listener of this worker accepted to the worker with the least load.
    func accepted(_ connection: DetachedSocket, route: RouteName) {
        if let other = workers.lightestOther(at: loop.now) {
            other.load.visitorSent()
            other.mailbox.send(.visitor(route, connection))
        } else {
            visit(connection, route, source: "\(connection.remote)")
        }
    }

    /// Creates the relay of a visitor.
    ///
    /// - Parameters:
    ///   - connection: the visitor's connection.
    ///   - name: the route that it connected to.
    ///   - source: its origin, for the log and the peer: an address, or `stdio`.
    ///   - isOwn: whether the program itself is the visitor.
    func visit(_ connection: DetachedSocket, _ name: RouteName, source: String, isOwn: Bool = false) {
        let socket = StreamSocket(connection, loop: loop)
        // The route may have been removed while another worker passed the visitor on.
        guard let route = routes[name] else {
            socket.closeWithReset()
            return
        }
        let peer = route.dialSide.share.configuration
        nextID += 1
        let facts = StreamFacts(
            id: "\(idPrefix)-\(nextID)",
            route: route.configuration.name,
            service: route.configuration.service,
            peer: peer.name,
            user: peer.user.text,
            source: source,
            target: nil
        )
        if let refusal = refusal() {
            socket.closeWithReset()
            log.streamRefused(facts, refusal, by: .opener)
            return
        }
        let relay = Relay(
            visitor: socket,
            facts: facts,
            settings: route.configuration.stream,
            isOwnVisitor: isOwn,
            in: relays.context,
            owner: relays
        )
        relays.add(relay)
        route.dialSide.carry(relay, exclusive: !route.configuration.share)
    }

    private func refusal() -> StreamFailure? {
        if isClosed { return .shutdown }
        guard let limit = admission.streamLimit else { return nil }
        relays.context.refusals.limitReached(limit.rawValue)
        return .limit
    }

    private static func randomPrefix(_ worker: Int) -> String {
        let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789".utf8)
        var text = (0..<3).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] }
        text.append(alphabet[worker % alphabet.count])
        return String(decoding: text, as: UTF8.self)
    }
}
