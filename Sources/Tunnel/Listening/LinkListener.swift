import EventIO

/// Accepts links from clients at one address.
final class LinkListener: ListenerHandler {
    private unowned let worker: TunnelWorker
    private var listener: Listener?
    private var turn = 0

    init(_ address: SocketAddress, worker: TunnelWorker) throws(SystemFailure) {
        self.worker = worker
        let bound = try BoundSocket(address)
        self.address = bound.address
        listener = try Listener(bound, loop: worker.loop, handler: self)
    }

    /// The address that is really bound.
    let address: SocketAddress

    /// Accepts no more.
    func close() {
        listener?.close()
        listener = nil
    }

    func listener(_ listener: Listener, accepted connection: DetachedSocket) {
        worker.acceptedLink(connection, turn: turn)
        turn += 1
    }

    func listener(_ listener: Listener, pausedBy failure: SystemFailure) {
        worker.log.accepting(pausedBy: failure.description, "\(listener.address)")
    }

    func listenerResumed(_ listener: Listener) {
        worker.log.acceptingResumed("\(listener.address)")
    }
}
