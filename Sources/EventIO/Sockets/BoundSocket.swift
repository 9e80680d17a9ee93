import Platform
import Synchronization
import SystemPackage

/// An address that is bound, and not listened on yet: connecting to it is refused.
///
/// Binding is what fails when a program starts, so it is done before anything else. Freed before a ``Listener`` has taken the
/// descriptor, it closes it. Safe from any thread.
package final class BoundSocket: Sendable {
    /// The address that is really bound: port 0 has become a port.
    package let address: SocketAddress
    /// The path of a Unix socket, to be removed when nobody listens there any more.
    let path: SocketPath?
    private let ownedDescriptor: Atomic<Int32>

    /// Binds an address.
    ///
    /// - Throws: the system's refusal, with the address.
    package init(_ address: SocketAddress) throws(SystemFailure) {
        let descriptor = try SystemFailure.catching("socket", address.description) { () throws(Errno) in
            try SystemSocket.stream(family: address.family)
        }
        ownedDescriptor = Atomic(descriptor)
        if address.isUnix {
            SocketPath.removeStale(address)
        } else {
            SocketOptions.reuseAddress(descriptor)
            if address.family == AF_INET6 { SocketOptions.onlyIPv6(descriptor) }
            // Accepted sockets inherit both, which saves a system call for each of them.
            SocketOptions.noDelay(descriptor)
            if address.isLoopback { SocketOptions.unpaced(descriptor) }
        }
        guard address.withSystemAddress({ bind(descriptor, $0, $1) }) == 0 else {
            let failure = SystemFailure("bind", address.description, code: errno)
            close(descriptor)
            throw failure
        }
        self.address = SocketAddress(localOf: descriptor) ?? address
        path = SocketPath(of: self.address)
    }

    deinit {
        let descriptor = take()
        guard descriptor >= 0 else { return }
        close(descriptor)
        path?.remove()
    }

    /// The descriptor; -1 once it was taken.
    var descriptor: Int32 { ownedDescriptor.load(ordering: .relaxed) }

    /// Takes the descriptor out, which is the caller's to close from then on; -1 after the first time.
    func take() -> Int32 {
        ownedDescriptor.exchange(-1, ordering: .relaxed)
    }
}

/// The path of a bound Unix socket, and which file it was when it was bound.
struct SocketPath: Sendable {
    private let path: String
    private let file: FileIdentity

    private struct FileIdentity: Hashable {
        let device: UInt64
        let number: UInt64

        /// The socket at a path; nil when there is none.
        init?(_ path: String) {
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
            device = UInt64(status.st_dev)
            number = UInt64(status.st_ino)
        }
    }

    /// The path of an address that was just bound; nil when the address is not a Unix socket's.
    init?(of address: SocketAddress) {
        guard let path = address.unixPath, let file = FileIdentity(path) else { return nil }
        self.path = path
        self.file = file
    }

    /// Removes the path, unless another process has bound it meanwhile: the path is that one's.
    func remove() {
        if FileIdentity(path) == file { unlink(path) }
    }

    /// Removes a socket on which nobody listens any more: what a process left that was killed.
    ///
    /// A socket that answers is left alone, and binding then fails because the address is in use.
    static func removeStale(_ address: SocketAddress) {
        guard let path = address.unixPath, FileIdentity(path) != nil,
            let probe = try? SystemSocket.stream(family: AF_UNIX)
        else { return }
        defer { close(probe) }
        let isRefused =
            address.withSystemAddress { connect(probe, $0, $1) } != 0 && errno == ECONNREFUSED
        if isRefused { unlink(path) }
    }
}
