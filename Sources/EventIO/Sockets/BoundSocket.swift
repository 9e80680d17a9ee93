import Platform
import Synchronization
import SystemPackage

/// A socket that is bound to an address but does not listen yet: the system refuses connections to it.
///
/// Binding is the step that fails when a program starts, so the program binds before it does anything else. If the object is
/// freed before a ``Listener`` has taken the descriptor, it closes the descriptor. Safe from any thread.
package final class BoundSocket: Sendable {
    /// The bound address; port 0 is replaced by the port that the system chose.
    package let address: SocketAddress
    /// The path of a Unix socket, to be removed when listening ends.
    let path: SocketPath?
    private let ownedDescriptor: Atomic<Int32>

    /// Binds an address.
    ///
    /// - Throws: the system error, with the address.
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
            // Accepted sockets inherit these options, which saves a system call for each option and socket.
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

    /// The descriptor; -1 after it was taken.
    var descriptor: Int32 { ownedDescriptor.load(ordering: .relaxed) }

    /// Hands the descriptor to the caller, which must close it; returns -1 after the first call.
    func take() -> Int32 {
        ownedDescriptor.exchange(-1, ordering: .relaxed)
    }
}

/// The path of a bound Unix socket, and the identity of the file that binding created there.
struct SocketPath: Sendable {
    private let path: String
    private let file: FileIdentity

    private struct FileIdentity: Hashable {
        let device: UInt64
        let number: UInt64

        /// The identity of the socket at a path; nil if there is no socket.
        init?(_ path: String) {
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
            device = UInt64(status.st_dev)
            number = UInt64(status.st_ino)
        }
    }

    /// The path of an address that was just bound; nil if the address is not a Unix socket.
    init?(of address: SocketAddress) {
        guard let path = address.unixPath, let file = FileIdentity(path) else { return nil }
        self.path = path
        self.file = file
    }

    /// Removes the path, unless another process has bound it since: then the path belongs to that process.
    func remove() {
        if FileIdentity(path) == file { unlink(path) }
    }

    /// Removes a stale socket, which a killed process left behind.
    ///
    /// If a process still listens on the socket, the socket stays, and binding then fails because the address is in use.
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
