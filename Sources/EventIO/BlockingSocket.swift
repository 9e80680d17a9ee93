import CLibuv
import CLinux
import Glibc

/// A stream socket whose calls wait: for threads that have nothing else to do.
///
/// Not for an event loop.
///
/// Two threads may use it at the same time if one only reads and the other only writes. Closed when it is freed.
package final class BlockingSocket: Sendable {
    private let descriptor: Int32

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        // All of ours are made not to wait; this one does.
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    }

    deinit {
        close(descriptor)
    }

    /// Connects to an address.
    package static func connect(to address: SocketAddress) throws(SystemFailure) -> BlockingSocket {
        let descriptor = sly_stream_socket(address.family)
        guard descriptor >= 0 else { throw SystemFailure("socket", code: -descriptor) }
        let socket = BlockingSocket(descriptor)
        if !address.isUnix { SocketOptions.noDelay(descriptor) }
        if address.isLoopback { SocketOptions.unpaced(descriptor) }
        guard address.withSystemAddress({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
            throw SystemFailure("connect", address.description, code: errno)
        }
        return socket
    }

    /// Two sockets that are connected with each other: one that waits, and the descriptor of one that does not, for a loop.
    package static func pair() throws(SystemFailure) -> (here: BlockingSocket, there: Int32) {
        var descriptors: [Int32] = [-1, -1]
        let code = sly_socket_pair(&descriptors)
        guard code == 0 else { throw SystemFailure("socketpair", code: -code) }
        return (BlockingSocket(descriptors[0]), descriptors[1])
    }

    /// Accepts the next connection at an address that is bound.
    package static func accept(at bound: BoundSocket) throws(SystemFailure) -> BlockingSocket {
        while true {
            var poll = pollfd(fd: bound.descriptor, events: Int16(POLLIN), revents: 0)
            _ = Glibc.poll(&poll, 1, -1)
            let descriptor = sly_accept(bound.descriptor, nil, nil)
            if descriptor >= 0 { return BlockingSocket(descriptor) }
            guard [EAGAIN, EINTR, ECONNABORTED].contains(-descriptor) else {
                throw SystemFailure("accept", code: -descriptor)
            }
        }
    }

    /// Waits for bytes.
    ///
    /// - Returns: how many came; 0 at the end.
    /// - Throws: what broke the connection.
    package func read(into bytes: UnsafeMutableRawBufferPointer) throws(SystemFailure) -> Int {
        while true {
            let count = Glibc.read(descriptor, bytes.baseAddress, bytes.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw SystemFailure("read", code: errno) }
        }
    }

    /// Writes all bytes.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemFailure) {
        var written = 0
        while written < bytes.count {
            let count = Glibc.send(
                descriptor,
                bytes.baseAddress.map { $0 + written },
                bytes.count - written,
                Int32(MSG_NOSIGNAL)
            )
            if count > 0 {
                written += count
            } else if errno != EINTR {
                throw SystemFailure("write", code: errno)
            }
        }
    }

    /// Ends our direction: the other side reads the end after all that was written.
    package func shutdownWriting() {
        shutdown(descriptor, Int32(SHUT_WR))
    }
}

extension BoundSocket {
    /// Begins to listen, for threads that wait in ``BlockingSocket/accept(at:)``.
    package func listen() throws(SystemFailure) {
        guard Glibc.listen(descriptor, 128) == 0 else {
            throw SystemFailure("listen", address.description, code: errno)
        }
    }
}
