import Platform

extension StreamSocket {
    /// Prepares a TCP socket to carry a link; does nothing to a Unix socket.
    ///
    /// - Parameters:
    ///   - maxUnsent: the maximum number of bytes that the system holds beyond those that it can send now.
    ///   - timeout: the time that sent data may stay unacknowledged before the system ends the connection.
    package func becomeLink(maxUnsent: Int32, timeout: Duration) {
        guard descriptor >= 0 else { return }
        SocketOptions.limitUnsent(descriptor, bytes: maxUnsent)
        SocketOptions.userTimeout(descriptor, timeout)
    }

    /// Makes the receive buffer large enough for the bulk that arrives between two turns of a stream.
    package func expectBulk() {
        guard descriptor >= 0 else { return }
        SocketOptions.expectBulk(descriptor)
    }
}
