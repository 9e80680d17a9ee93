import Platform
import SystemPackage

/// A stream socket whose calls block: for threads that do nothing else, never for an event loop.
///
/// Two threads may use it at the same time if one only reads and the other only writes. `deinit` closes the socket.
package final class BlockingSocket: Sendable {
    let descriptor: Int32

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        // Every socket is created non-blocking.
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    }

    deinit {
        close(descriptor)
    }

    /// Connects to an address.
    package static func connect(to address: SocketAddress) throws(SystemFailure) -> BlockingSocket {
        let descriptor = try SystemFailure.catching("socket") { () throws(Errno) in
            try SystemSocket.stream(family: address.family)
        }
        let socket = BlockingSocket(descriptor)
        if !address.isUnix { SocketOptions.noDelay(descriptor) }
        if address.isLoopback { SocketOptions.unpaced(descriptor) }
        guard address.withSystemAddress({ Platform.connect(descriptor, $0, $1) }) == 0 else {
            throw SystemFailure("connect", address.description, code: errno)
        }
        return socket
    }

    /// A pair of connected sockets: one that blocks, and one for a loop.
    package static func pair() throws(SystemFailure) -> (here: BlockingSocket, there: DetachedSocket) {
        let (blocking, nonblocking) = try SystemFailure.catching("socketpair") { () throws(Errno) in
            try SystemSocket.pair()
        }
        let remote = SocketAddress(remoteOf: nonblocking) ?? .unnamed
        return (BlockingSocket(blocking), DetachedSocket(owning: nonblocking, remote: remote))
    }

    /// Waits for the next connection at a listening address and accepts it.
    package static func accept(at bound: BoundSocket) throws(SystemFailure) -> BlockingSocket {
        while true {
            var poll = pollfd(fd: bound.descriptor, events: Int16(POLLIN), revents: 0)
            _ = Platform.poll(&poll, 1, -1)
            let descriptor = SystemSocket.accept(bound.descriptor, nil, nil)
            if descriptor >= 0 { return BlockingSocket(descriptor) }
            guard [EAGAIN, EINTR, ECONNABORTED].contains(-descriptor) else {
                throw SystemFailure("accept", code: -descriptor)
            }
        }
    }

    /// Waits for bytes and reads them.
    ///
    /// - Returns: the number of bytes read; 0 at the end of the stream.
    /// - Throws: `read` with the error number if the connection is broken.
    package func read(into bytes: UnsafeMutableRawBufferPointer) throws(SystemFailure) -> Int {
        while true {
            let count = Platform.read(descriptor, bytes.baseAddress, bytes.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw SystemFailure("read", code: errno) }
        }
    }

    /// Writes all bytes.
    ///
    /// - Throws: `write` with the error number if the connection is broken.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemFailure) {
        var written = 0
        while written < bytes.count {
            var run = iovec(
                iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress.map { $0 + written }),
                iov_len: bytes.count - written
            )
            let count = SystemSocket.send(descriptor, &run, count: 1)
            if count >= 0 {
                written += count
                continue
            }
            switch Int32(-count) {
            case EINTR: continue
            case EAGAIN:
                var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = Platform.poll(&poll, 1, -1)
            case let code: throw SystemFailure("write", code: code)
            }
        }
    }

    /// Half-closes the connection: the other end reads the end of the stream after all bytes that were written.
    package func shutdownWriting() {
        shutdown(descriptor, Int32(SHUT_WR))
    }
}

extension BoundSocket {
    /// Starts listening, for threads that block in ``BlockingSocket/accept(at:)``.
    package func listen() throws(SystemFailure) {
        guard Platform.listen(descriptor, 128) == 0 else {
            throw SystemFailure("listen", address.description, code: errno)
        }
    }
}
