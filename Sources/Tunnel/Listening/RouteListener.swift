import EventIO

/// Accepts the visitors of one route, at all of its addresses.
final class RouteListener {
    let route: RouteConfiguration
    private let number: Int
    private unowned let worker: TunnelWorker
    private let addresses: [SocketAddress]
    private var bound: [BoundSocket]
    private var listeners: [Listener] = []

    /// Binds the addresses; visitors are accepted after ``open()``.
    ///
    /// - Throws: what the system refuses, with the address.
    init(_ number: Int, _ route: RouteConfiguration, worker: TunnelWorker) throws(SystemFailure) {
        self.number = number
        self.route = route
        self.worker = worker
        var addresses: [SocketAddress] = []
        for endpoint in route.accept { addresses += try endpoint.listenAddresses() }
        self.addresses = addresses
        bound = []
        for address in addresses { bound.append(try BoundSocket(address)) }
    }

    /// Begins to accept.
    func open() {
        let sockets = bound
        bound = []
        for socket in sockets {
            do throws(SystemFailure) {
                let listener = try Listener(socket, loop: worker.loop, handler: self)
                listeners.append(listener)
                worker.log.listening("route", route.name, "\(listener.address)")
            } catch {
                worker.log.accepting(pausedBy: error.description, "\(socket.address)")
            }
        }
    }

    /// Accepts no more.
    func close() {
        bound = []
        for listener in listeners { listener.close() }
        listeners = []
    }
}

extension RouteListener: ListenerHandler {
    func listener(_ listener: Listener, accepted connection: DetachedSocket) {
        worker.accepted(connection, route: number)
    }

    func listener(_ listener: Listener, pausedBy failure: SystemFailure) {
        worker.log.accepting(pausedBy: failure.description, "\(listener.address)")
    }

    func listenerResumed(_ listener: Listener) {
        worker.log.acceptingResumed("\(listener.address)")
    }
}
