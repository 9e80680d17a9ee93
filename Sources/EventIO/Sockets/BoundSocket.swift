import Platform
import Synchronization
package import SystemPackage

/// A socket that is bound to an address.
///
/// Until a ``Listener`` listens on it, connecting is refused.
///
/// Binding fails more often than any other step of a program's start, so the program binds first, on one thread. It then shares
/// the socket with the listener, which may run on another thread. `deinit` closes the socket. It also removes the path of a Unix
/// socket, unless the socket was handed over. Safe from any thread.
package final class BoundSocket: Sendable {
    /// The bound address; port 0 is replaced by the port that the system chose.
    package let address: SocketAddress
    /// The path of a Unix socket, which is removed with the socket.
    private let path: SocketPath?
    let descriptor: Int32
    /// Whether another process has got the socket, and goes on listening on it.
    private let isHandedOver = Atomic(false)

    /// Binds an address.
    ///
    /// - Throws: the system error, with the address.
    package init(_ address: SocketAddress) throws(SystemFailure) {
        let descriptor = try SystemFailure.catching("socket", address.description) { () throws(Errno) in
            try SystemSocket.stream(family: address.family)
        }
        self.descriptor = descriptor
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

    /// Takes over a socket that another process has bound, and may listen on.
    ///
    /// - Throws: `getsockname` if the descriptor is not a socket; then it stays open and the caller keeps it.
    package init(adopting file: FileDescriptor) throws(SystemFailure) {
        guard let address = SocketAddress(localOf: file.rawValue) else {
            throw SystemFailure("getsockname", "descriptor \(file.rawValue)", code: errno)
        }
        descriptor = file.rawValue
        self.address = address
        path = SocketPath(of: address)
    }

    deinit {
        close(descriptor)
        if !isHandedOver.load(ordering: .relaxed) { path?.remove() }
    }

    /// Duplicates the descriptor for a successor process, which from now on owns the path of a Unix socket.
    ///
    /// Connections that wait in the kernel's queue stay there: this process or its successor accepts them.
    ///
    /// - Throws: `dup`, when no descriptor is left; then nothing is handed over.
    package func handOver() throws(SystemFailure) -> FileDescriptor {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw SystemFailure("dup", address.description, code: errno) }
        isHandedOver.store(true, ordering: .relaxed)
        return FileDescriptor(rawValue: copy)
    }

    /// Keeps the path of a Unix socket after all, because the successor does not come.
    package func takeBack() {
        isHandedOver.store(false, ordering: .relaxed)
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
