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
    /// once, until it has worked again.
    func listener(_ listener: Listener, pausedBy failure: SystemFailure)
    /// Accepting works again.
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
    private var isPaused = false

    /// Connections accepted in one turn.
    ///
    /// More would let those that there are wait; fewer would cost turns when many come.
    private static let mostPerTurn = 64
    /// How many connections may wait in the system's queue.
    private static let backlog: Int32 = 4096
    private static let shortestPause = Duration.milliseconds(5)
    private static let longestPause = Duration.seconds(1)

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
        retry = LoopTimer(loop) { [unowned self] in accept() }
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
        if isPaused {
            pause = min(pause * 2, Self.longestPause)
        } else {
            isPaused = true
            loop.sockets.change(self, [])
            handler?.listener(self, pausedBy: failure)
        }
        retry?.schedule(after: pause)
    }

    private func resume() {
        isPaused = false
        pause = Self.shortestPause
        loop.sockets.change(self, .readable)
        handler?.listenerResumed(self)
    }
}
