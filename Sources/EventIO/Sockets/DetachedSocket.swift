import Platform
import Synchronization
package import SystemPackage

/// A connected stream socket that belongs to no loop: on its way from the thread that accepted it to the one that serves it.
///
/// Whoever serves it takes the descriptor out, once. A socket that nobody takes is closed when this is freed. Safe from any
/// thread.
package final class DetachedSocket: Sendable {
    /// The address of the other end; a Unix socket without a path for a pair of sockets.
    package let remote: SocketAddress
    /// -1 once it was taken.
    private let descriptor: Atomic<Int32>

    /// Owns a descriptor that does not block and is not inherited.
    init(owning descriptor: Int32, remote: SocketAddress) {
        self.descriptor = Atomic(descriptor)
        self.remote = remote
    }

    /// Takes over a connected stream socket that somebody else has made.
    ///
    /// - Throws: `getsockopt`, `getpeername` or `fcntl` with the error number, when the descriptor is not a connected stream
    ///   socket; then it stays open and its owner's.
    package convenience init(adopting file: FileDescriptor) throws(SystemFailure) {
        let descriptor = file.rawValue
        let subject = "descriptor \(descriptor)"
        let fault = SocketOptions.streamSocketFault(descriptor)
        guard fault == 0 else { throw SystemFailure("getsockopt", subject, code: fault) }
        guard let remote = SocketAddress(remoteOf: descriptor) else {
            throw SystemFailure("getpeername", subject, code: errno)
        }
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) >= 0,
            fcntl(descriptor, F_SETFD, FD_CLOEXEC) >= 0
        else { throw SystemFailure("fcntl", subject, code: errno) }
        if !remote.isUnix { SocketOptions.noDelay(descriptor) }
        self.init(owning: descriptor, remote: remote)
    }

    deinit {
        let descriptor = take()
        if descriptor >= 0 { close(descriptor) }
    }

    /// Closes the connection with a reset, unless the descriptor was taken.
    package func reset() {
        let descriptor = take()
        guard descriptor >= 0 else { return }
        SocketOptions.resetOnClose(descriptor)
        close(descriptor)
    }

    /// Takes the descriptor out, which is the caller's to close from then on; -1 after the first time.
    fileprivate func take() -> Int32 {
        descriptor.exchange(-1, ordering: .relaxed)
    }
}

extension StreamSocket {
    /// Serves a connection on a loop.
    package convenience init(_ connection: DetachedSocket, loop: EventLoop) {
        self.init(adopting: connection.take(), loop: loop)
    }

    /// Takes the connection off its loop, for another one: this socket is as if closed.
    package func detach(_ remote: SocketAddress) -> DetachedSocket {
        DetachedSocket(owning: release(), remote: remote)
    }
}
