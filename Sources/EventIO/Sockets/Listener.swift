import Platform

/// Receives the events of a listener.
///
/// The listener calls it on the loop's thread.
package protocol ListenerHandler: AnyObject {
    /// The listener accepted a connection.
    func listener(_ listener: Listener, accepted connection: DetachedSocket)
    /// Accepting failed, usually because no descriptors are left, and the listener retries.
    ///
    /// The listener calls this once, and not again before it has called ``listenerResumed(_:)``.
    func listener(_ listener: Listener, pausedBy failure: SystemFailure)
    /// Accepting has worked for a second without a failure.
    func listenerResumed(_ listener: Listener)
}

/// Accepts connections at one address, TCP or Unix.
///
/// When no descriptors are left, the listener backs off, longer each time, and leaves the connections in the system's queue.
/// It accepts them as soon as descriptors are free again. Confined to its loop's thread.
package final class Listener: PollSource {
    /// The bound address; port 0 is replaced by the port that the system chose.
    package let address: SocketAddress
    /// The socket, until ``close()``.
    private var bound: BoundSocket?
    private weak var handler: (any ListenerHandler)?
    private let loop: EventLoop
    private var retry: LoopTimer?
    private var pause = Listener.minPause
    /// Whether the listener does not watch the socket until ``retry`` fires.
    private var isPaused = false
    /// Whether the listener has reported a pause to the handler, but not its end.
    private var isInTrouble = false

    /// The maximum number of connections that the listener accepts in one turn.
    ///
    /// Larger: existing connections wait for new ones. Smaller: a burst of connections costs more turns.
    private static let maxPerTurn = 64
    /// The maximum number of connections in the system's queue.
    ///
    /// Larger: a client waits longer although it should try another address. Smaller: the system refuses connections in a
    /// burst.
    private static let backlog: Int32 = 4096
    /// The first pause after accepting failed.
    private static let minPause = Duration.milliseconds(5)
    /// The longest pause.
    ///
    /// Larger: connections wait although descriptors are free. Smaller: a shortage costs more processor time.
    private static let maxPause = Duration.seconds(1)
    /// The time without a failure after which the listener reports that the pause is over.
    ///
    /// Larger: the end of a shortage is reported later. Smaller: during a shortage, every descriptor that becomes free would be
    /// reported as the end of the shortage, and its use as the start of a new one.
    private static let recoveryTime = Duration.seconds(1)

    /// Begins to listen at an address that is bound, and shares the socket until ``close()``.
    ///
    /// - Throws: the system error, with the address.
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
            // Accepted sockets inherit this from a loopback listener, but not from a listener on every address.
            if let peer, peer.isLoopback, !address.isLoopback { SocketOptions.unpaced(accepted) }
            handler?.listener(self, accepted: DetachedSocket(owning: accepted, remote: peer ?? address))
        }
    }

    private func accepting(failed code: Int32) {
        switch code {
        // The connection was closed before it was accepted, or no connection is waiting.
        case EAGAIN, EWOULDBLOCK, EINTR, ECONNABORTED, EPROTO: if isPaused { resume() }
        default: backOff(SystemFailure("accept", address.description, code: code))
        }
    }

    private func backOff(_ failure: SystemFailure) {
        // If the loop watched the socket, the queued connections would make every wait return at once.
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
