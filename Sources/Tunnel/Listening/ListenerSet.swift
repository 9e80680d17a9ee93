import EventIO
import SystemPackage

/// The purpose of a listener: the links of clients, or the visitors of a route.
enum ListenerPurpose: Hashable, Sendable {
    case links
    case route(RouteName)
}

/// The sockets of one purpose, for the worker that listens on them.
struct ListenerAssignment: Sendable {
    let purpose: ListenerPurpose
    let sockets: [BoundSocket]
}

/// All addresses that this process listens on: bound once, on the control thread, and identified by their purpose.
///
/// The set and the accepting worker share each socket, so that the set can hand it over to a successor while the worker still
/// accepts. Confined to the control thread.
struct ListenerSet {
    private var entries: [ListenerAssignment] = []

    /// Binds every address of the configuration.
    ///
    /// - Throws: the system's error, with the address; then no address stays bound.
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

    /// Assigns the listeners to workers, round-robin for each kind, so that their numbers differ by at most one.
    ///
    /// - Parameter workers: the number of workers; at least 1.
    /// - Returns: the listeners of each worker.
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

    /// Releases all sockets: each one is closed when its worker has released it as well.
    mutating func close() {
        entries = []
    }

    /// Duplicates every socket for a successor of this process.
    ///
    /// - Throws: the error of `dup`, when no descriptor is left; then nothing is handed over.
    func handOver() throws(SystemFailure) -> [HandedListener] {
        var handed: [HandedListener] = []
        do throws(SystemFailure) {
            for entry in entries {
                for socket in entry.sockets {
                    let file = try socket.handOver()
                    handed.append(HandedListener(purpose: entry.purpose, address: socket.address, file: file))
                }
            }
        } catch {
            for listener in handed { try? listener.file.close() }
            for socket in entries.flatMap(\.sockets) { socket.takeBack() }
            throw error
        }
        return handed
    }
}
