import Glibc

/// A stream socket that somebody else has connected, to be used instead of one that is dialled or accepted here.
package struct ConnectedSocket: Sendable {
    /// The descriptor, which does not block and is not inherited.
    package let descriptor: Int32
    /// Where the other end is; a path without characters for a pair of sockets.
    package let remote: SocketAddress

    /// Takes over a descriptor.
    ///
    /// - Throws: when it is not a connected stream socket; then it stays as it is, and its owner's.
    package init(adopting descriptor: Int32) throws(SystemFailure) {
        var type: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 else {
            throw SystemFailure("getsockopt", "descriptor \(descriptor)", code: errno)
        }
        guard type == Int32(SOCK_STREAM.rawValue) else {
            throw SystemFailure("getsockopt", "descriptor \(descriptor)", code: ESOCKTNOSUPPORT)
        }
        guard let remote = SocketAddress(remoteOf: descriptor) else {
            throw SystemFailure("getpeername", "descriptor \(descriptor)", code: errno)
        }
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) >= 0,
            fcntl(descriptor, F_SETFD, FD_CLOEXEC) >= 0
        else { throw SystemFailure("fcntl", "descriptor \(descriptor)", code: errno) }
        if !remote.isUnix { SocketOptions.noDelay(descriptor) }
        self.descriptor = descriptor
        self.remote = remote
    }

    /// Closes it: nobody will use it.
    package func close() {
        _ = Glibc.close(descriptor)
    }
}
