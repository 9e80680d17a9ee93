import EventIO

/// The purpose of a listener: a peer's links, or the visitors of a route.
enum ListenerPurpose: Hashable, Sendable {
    case links
    case route(RouteName)
}

/// Sockets that a worker listens on.
struct ListenerAssignment: Sendable {
    let purpose: ListenerPurpose
    let sockets: [BoundSocket]
}

/// All addresses that this process listens at: bound once, on the control thread, and known by their purpose.
///
/// The set and the worker that accepts share a socket, so that it can be handed over to a successor while the worker still accepts.
/// Confined to the control thread.
struct ListenerSet {
    private var entries: [ListenerAssignment] = []

    /// Binds every address of the configuration.
    ///
    /// - Throws: what the system refuses, with the address; then nothing stays bound.
    init(_ configuration: TunnelConfiguration) throws(SystemFailure) {
        for endpoint in configuration.server?.listen ?? [] {
            entries.append(ListenerAssignment(purpose: .links, sockets: try Self.bind(endpoint)))
        }
        for route in configuration.routes {
            var sockets: [BoundSocket] = []
            for endpoint in route.accept { sockets += try Self.bind(endpoint) }
            entries.append(ListenerAssignment(purpose: .route(route.id), sockets: sockets))
        }
    }

    private static func bind(_ endpoint: Endpoint) throws(SystemFailure) -> [BoundSocket] {
        var sockets: [BoundSocket] = []
        for address in try endpoint.listenAddresses() { sockets.append(try BoundSocket(address)) }
        return sockets
    }

    /// Deals the listeners out to workers, in turn for each kind, so that each has as many.
    ///
    /// - Parameter workers: how many workers there are; at least 1.
    /// - Returns: for each worker, what it listens on.
    func assignments(to workers: Int) -> [[ListenerAssignment]] {
        var dealt = [[ListenerAssignment]](repeating: [], count: workers)
        var turn = (links: 0, routes: 0)
        for entry in entries {
            switch entry.purpose {
            case .links:
                dealt[turn.links % workers].append(entry)
                turn.links += 1
            case .route:
                dealt[turn.routes % workers].append(entry)
                turn.routes += 1
            }
        }
        return dealt
    }

    /// The bound addresses of a purpose.
    func addresses(of purpose: ListenerPurpose) -> [SocketAddress] {
        entries.filter { $0.purpose == purpose }.flatMap(\.sockets).map(\.address)
    }

    /// Lets go of all sockets: each is closed when its worker has let go of it as well.
    mutating func close() {
        entries = []
    }

    /// Duplicates every socket for a successor of this process.
    ///
    /// - Throws: `dup`, when descriptors are used up.
    func handOver() throws(SystemFailure) -> [HandedListener] {
        var handed: [HandedListener] = []
        for entry in entries {
            for socket in entry.sockets {
                let file = try socket.handOver()
                handed.append(HandedListener(purpose: entry.purpose, address: socket.address, file: file))
            }
        }
        return handed
    }
}
