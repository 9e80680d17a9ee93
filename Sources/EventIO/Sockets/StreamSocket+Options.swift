import Platform

extension StreamSocket {
    /// Prepares a TCP socket to carry a link; does nothing to a Unix socket.
    ///
    /// - Parameters:
    ///   - maxUnsent: how many bytes the system may hold beyond what it can send now.
    ///   - timeout: how long sent data may stay unacknowledged until the system ends the connection.
    package func becomeLink(maxUnsent: Int32, timeout: Duration) {
        guard descriptor >= 0 else { return }
        SocketOptions.limitUnsent(descriptor, bytes: maxUnsent)
        SocketOptions.userTimeout(descriptor, timeout)
    }

    /// Lets the receive buffer hold the bulk that comes between two turns of a stream.
    package func expectBulk() {
        guard descriptor >= 0 else { return }
        SocketOptions.expectBulk(descriptor)
    }
}
