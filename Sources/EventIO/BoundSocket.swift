import CLibuv
import CLinux
import Glibc

/// An address that is bound but not listened at yet: connecting to it is refused.
///
/// Binding is what fails at the start of a program, so it is done before anything else. Closed when it is freed, unless a
/// ``Listener`` has taken it.
package final class BoundSocket {
    /// The address that is really bound: port 0 has become a port.
    package let address: SocketAddress
    private(set) var descriptor: Int32

    /// Binds an address.
    ///
    /// - Throws: what the system refuses, with the address.
    package init(_ address: SocketAddress) throws(SystemFailure) {
        descriptor = sly_stream_socket(address.family)
        guard descriptor >= 0 else { throw SystemFailure("socket", address.description, code: -descriptor) }
        if address.isUnix {
            address.removeStalePath()
        } else {
            SocketOptions.reuseAddress(descriptor)
            if address.family == AF_INET6 { SocketOptions.onlyIPv6(descriptor) }
            // Accepted sockets inherit it, which saves a system call for each of them.
            SocketOptions.noDelay(descriptor)
            if address.isLoopback { SocketOptions.unpaced(descriptor) }
        }
        let descriptor = descriptor
        guard address.withSystemAddress({ bind(descriptor, $0, $1) }) == 0 else {
            let failure = SystemFailure("bind", address.description, code: errno)
            close(descriptor)
            throw failure
        }
        self.address = SocketAddress(localOf: descriptor) ?? address
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        address.removePath()
    }

    /// Gives the descriptor away.
    func take() -> Int32 {
        defer { descriptor = -1 }
        return descriptor
    }
}

extension SocketAddress {
    /// The path, when it is a Unix socket's.
    private var path: String? {
        guard isUnix, description.hasPrefix("unix:") else { return nil }
        return String(description.dropFirst("unix:".count))
    }

    /// Removes the path of a Unix socket.
    func removePath() {
        if let path { unlink(path) }
    }

    /// Removes a socket that nobody listens at any more: what a process left that was killed.
    ///
    /// A socket that answers is left alone, and binding then says that the address is in use.
    fileprivate func removeStalePath() {
        guard let path else { return }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        let probe = sly_stream_socket(AF_UNIX)
        guard probe >= 0 else { return }
        defer { close(probe) }
        let isRefused = withSystemAddress { connect(probe, $0, $1) } != 0 && errno == ECONNREFUSED
        if isRefused { unlink(path) }
    }
}
