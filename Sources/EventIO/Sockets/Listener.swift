import Platform

/// Learns what a listener accepts.
///
/// Called on the loop's thread.
package protocol ListenerHandler: AnyObject {
    /// A connection was accepted.
    func listener(_ listener: Listener, accepted connection: DetachedSocket)
    /// Accepting does not work at the moment, usually because no descriptors are left, and is retried; told once, until it has
    /// worked again for a while.
    func listener(_ listener: Listener, pausedBy failure: SystemFailure)
    /// Accepting has worked again for a second without a failure.
    func listenerResumed(_ listener: Listener)
}

/// Accepts connections at one address, TCP or Unix.
///
/// When no descriptors are left it waits, longer each time, and leaves the connections in the system's queue: they are
/// accepted as soon as there is room again. Confined to its loop's thread.
package final class Listener: PollSource {
    /// The address that is really bound: port 0 has become a port.
    package let address: SocketAddress
    /// The socket, until ``close()``.
    private var bound: BoundSocket?
    private weak var handler: (any ListenerHandler)?
    private let loop: EventLoop
    private var retry: LoopTimer?
    private var pause = Listener.minPause
    /// Whether the socket is not watched until ``retry`` fires.
    private var isPaused = false
    /// Whether the handler was told of a pause, and not yet of its end.
    private var isInTrouble = false

    /// How many connections are accepted in one turn.
    ///
    /// Larger: those that exist wait for those that come. Smaller: a rush of connections costs more turns.
    private static let maxPerTurn = 64
    /// How many connections may wait in the system's queue.
    ///
    /// Larger: a client waits longer where it had better try another address. Smaller: a rush of connections is refused.
    private static let backlog: Int32 = 4096
    /// The first pause after accepting failed.
    private static let minPause = Duration.milliseconds(5)
    /// The longest pause: longer, and connections wait although there is room; shorter, and a shortage costs processor time.
    private static let maxPause = Duration.seconds(1)
    /// How long accepting must have worked for the trouble to be over.
    ///
    /// Shorter: in a shortage, every descriptor that becomes free would be reported as its end, and its use as a new one.
    private static let recoveryTime = Duration.seconds(1)

    /// Begins to listen at an address that is bound, and shares the socket until ``close()``.
    ///
    /// - Throws: the system's refusal, with the address.
    package init(
        _ bound: BoundSocket,
        loop: EventLoop,
        handler: any ListenerHandler
    ) throws(SystemFailure) {
        address = bound.address
        self.bound = bound
        self.loop = loop
        self.handler = handler
        guard listen(bound.descriptor, Self.backlog) == 0 else {
            throw SystemFailure("listen", bound.address.description, code: errno)
        }
        super.init(bound.descriptor)
        retry = LoopTimer(loop) { [unowned self] in
            if isPaused { accept() } else { recover() }
        }
        try loop.sockets.add(self, .readable)
    }

    deinit {
        close()
    }

    /// Accepts no more, and lets the socket go: its last owner closes it.
    package func close() {
        guard descriptor >= 0 else { return }
        retry?.cancel()
        loop.sockets.remove(self)
        _ = giveAwayDescriptor()
        bound = nil
    }

    override func ready(_ events: PollEvents) {
        accept()
    }

    override func watchingFailed(_ code: Int32) {
        backOff(SystemFailure("watch", address.description, code: code))
    }

    private func accept() {
        var storage = sockaddr_storage()
        for _ in 0..<Self.maxPerTurn where descriptor >= 0 {
            let (accepted, peer) = withUnsafeMutablePointer(to: &storage) { storage in
                storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                    let accepted = SystemSocket.accept(descriptor, pointer, &length)
                    return (accepted, accepted >= 0 ? SocketAddress(pointer, length: length) : nil)
                }
            }
            guard accepted >= 0 else {
                accepting(failed: -accepted)
                return
            }
            if isPaused { resume() }
            // Sockets of a loopback listener inherit this; those of a listener on every address do not.
            if let peer, peer.isLoopback, !address.isLoopback { SocketOptions.unpaced(accepted) }
            handler?.listener(self, accepted: DetachedSocket(owning: accepted, remote: peer ?? address))
        }
    }

    private func accepting(failed code: Int32) {
        switch code {
        // The connection was gone before it was accepted, or there is none.
        case EAGAIN, EWOULDBLOCK, EINTR, ECONNABORTED, EPROTO: if isPaused { resume() }
        default: backOff(SystemFailure("accept", address.description, code: code))
        }
    }

    private func backOff(_ failure: SystemFailure) {
        // Watched, the waiting connections would keep the loop from ever waiting.
        if !isPaused {
            isPaused = true
            loop.sockets.change(self, [])
        }
        if isInTrouble {
            pause = min(pause * 2, Self.maxPause)
        } else {
            isInTrouble = true
            handler?.listener(self, pausedBy: failure)
        }
        retry?.schedule(after: pause)
    }

    private func resume() {
        isPaused = false
        loop.sockets.change(self, .readable)
        retry?.schedule(after: Self.recoveryTime)
    }

    private func recover() {
        isInTrouble = false
        pause = Self.minPause
        handler?.listenerResumed(self)
    }
}
