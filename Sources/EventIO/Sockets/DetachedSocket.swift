import Platform
import Synchronization
package import SystemPackage

/// A connected stream socket without a loop: it carries a connection from the accepting thread to the serving thread.
///
/// The serving thread takes the descriptor, once. If no thread takes it, `deinit` closes it. Safe from any thread.
package final class DetachedSocket: Sendable {
    /// The address of the other end; for a socket pair, a Unix socket address without a path.
    package let remote: SocketAddress
    /// -1 after it was taken.
    private let descriptor: Atomic<Int32>

    /// Takes ownership of a descriptor that is non-blocking and close-on-exec.
    init(owning descriptor: Int32, remote: SocketAddress) {
        self.descriptor = Atomic(descriptor)
        self.remote = remote
    }

    /// Takes ownership of a connected stream socket that was created elsewhere.
    ///
    /// - Throws: `getsockopt`, `getpeername` or `fcntl` with the error number if the descriptor is not a connected stream
    ///   socket; then the descriptor stays open and the caller keeps it.
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

    /// Hands the descriptor to the caller, which must close it; returns -1 after the first call.
    fileprivate func take() -> Int32 {
        descriptor.exchange(-1, ordering: .relaxed)
    }
}

extension StreamSocket {
    /// Moves a connection onto a loop.
    package convenience init(_ connection: DetachedSocket, loop: EventLoop) {
        self.init(adopting: connection.take(), loop: loop)
    }

    /// Takes the connection off its loop, so that another loop can serve it; this socket then behaves as if closed.
    package func detach(_ remote: SocketAddress) -> DetachedSocket {
        DetachedSocket(owning: release(), remote: remote)
    }
}
