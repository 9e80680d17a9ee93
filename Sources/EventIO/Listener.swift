import CLibuv
import CLinux
import Glibc

/// What a listener tells.
///
/// Called on the loop's thread.
package protocol ListenerHandler: AnyObject {
    /// A connection was accepted: the descriptor is the handler's now.
    func listener(_ listener: Listener, accepted descriptor: Int32, from address: SocketAddress)
    /// Accepting does not work at the moment (usually there are no descriptors left) and is tried again by itself; told
    /// once, until it has worked again for a while.
    func listener(_ listener: Listener, pausedBy failure: SystemFailure)
    /// Accepting has worked again for a second without a failure.
    func listenerResumed(_ listener: Listener)
}

/// Accepts connections at one address, TCP or Unix.
///
/// When the system has no descriptors left it waits, longer each time, and leaves the connections in the system's queue:
/// they are served as soon as there is room again. Confined to its loop's thread.
package final class Listener: PollSource {
    /// The address that is really bound: port 0 has become a port.
    package let address: SocketAddress
    private weak var handler: (any ListenerHandler)?
    private let loop: EventLoop
    private var retry: LoopTimer?
    private var pause = Listener.shortestPause
    /// The socket is not asked for connections until ``retry`` fires.
    private var isPaused = false
    /// The handler was told of a pause and not yet of its end.
    private var isInTrouble = false

    /// Connections accepted in one turn.
    ///
    /// More would let those that there are wait; fewer would cost turns when many come.
    private static let mostPerTurn = 64
    /// How many connections may wait in the system's queue.
    private static let backlog: Int32 = 4096
    private static let shortestPause = Duration.milliseconds(5)
    private static let longestPause = Duration.seconds(1)
    /// How long accepting must have worked for the trouble to be over.
    ///
    /// Shorter, and every descriptor that comes free in a shortage would be told as its end, and its loss as a new one.
    private static let convalescence = Duration.seconds(1)

    /// Begins to listen at an address that is bound.
    ///
    /// - Throws: what the system refuses, with the address.
    package init(
        _ bound: BoundSocket,
        loop: EventLoop,
        handler: any ListenerHandler
    ) throws(SystemFailure) {
        address = bound.address
        self.loop = loop
        self.handler = handler
        guard listen(bound.descriptor, Self.backlog) == 0 else {
            throw SystemFailure("listen", bound.address.description, code: errno)
        }
        super.init(bound.take())
        retry = LoopTimer(loop) { [unowned self] in
            if isPaused { accept() } else { recover() }
        }
        try loop.sockets.add(self, .readable)
    }

    deinit {
        close()
    }

    /// Accepts no more; the path of a Unix socket is removed.
    package func close() {
        guard descriptor >= 0 else { return }
        retry?.cancel()
        loop.sockets.remove(self, isClosing: true)
        closeDescriptor()
        address.removePath()
    }

    override func ready(_ events: PollEvents) {
        accept()
    }

    private func accept() {
        var storage = sockaddr_storage()
        for _ in 0..<Self.mostPerTurn where descriptor >= 0 {
            let (accepted, peer) = withUnsafeMutablePointer(to: &storage) { storage in
                storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                    let accepted = sly_accept(descriptor, pointer, &length)
                    return (accepted, accepted >= 0 ? SocketAddress(pointer, length: length) : nil)
                }
            }
            guard accepted >= 0 else {
                accepting(failed: -accepted)
                return
            }
            if isPaused { resume() }
            // A listener of a loopback address has handed this on to what it accepts; one of every address has not.
            if let peer, peer.isLoopback, !address.isLoopback { SocketOptions.unpaced(accepted) }
            handler?.listener(self, accepted: accepted, from: peer ?? address)
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
        // Level-triggered, the listener would keep the loop from ever waiting.
        if !isPaused {
            isPaused = true
            loop.sockets.change(self, [])
        }
        if isInTrouble {
            pause = min(pause * 2, Self.longestPause)
        } else {
            isInTrouble = true
            handler?.listener(self, pausedBy: failure)
        }
        retry?.schedule(after: pause)
    }

    private func resume() {
        isPaused = false
        loop.sockets.change(self, .readable)
        retry?.schedule(after: Self.convalescence)
    }

    private func recover() {
        isInTrouble = false
        pause = Self.shortestPause
        handler?.listenerResumed(self)
    }
}
