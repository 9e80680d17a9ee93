package import CPlatform
package import SystemPackage

/// Socket calls whose flags differ between operating systems.
///
/// New descriptors are non-blocking unless the function says otherwise, and child processes do not inherit them.
/// Safe from any thread.
package enum SystemSocket {
    /// Creates a stream socket of an address family (`AF_INET`, …).
    package static func stream(family: Int32) throws(Errno) -> Int32 {
        try checked(sly_stream_socket(family))
    }

    /// Creates a blocking datagram socket, for route queries to the system.
    package static func datagram(family: Int32) throws(Errno) -> Int32 {
        try checked(sly_datagram_socket(family))
    }

    /// Creates two connected stream sockets, of which only the first one blocks.
    package static func pair() throws(Errno) -> (blocking: Int32, nonblocking: Int32) {
        var descriptors: (Int32, Int32) = (-1, -1)
        let code = withUnsafeMutableBytes(of: &descriptors) {
            sly_socket_pair($0.assumingMemoryBound(to: Int32.self).baseAddress)
        }
        _ = try checked(code)
        return (descriptors.0, descriptors.1)
    }

    /// Accepts a connection, and writes its remote address to `address`, unless that is nil.
    ///
    /// - Returns: the descriptor, or the negated error number: `EAGAIN` is an ordinary result here.
    package static func accept(
        _ listener: Int32,
        _ address: UnsafeMutablePointer<sockaddr>?,
        _ length: UnsafeMutablePointer<socklen_t>?
    ) -> Int32 {
        sly_accept(listener, address, length)
    }

    /// Sends pieces of memory without blocking and without raising SIGPIPE.
    ///
    /// - Returns: the number of bytes that the system accepted, or the negated error number: `EAGAIN` is an ordinary result here.
    package static func send(_ descriptor: Int32, _ runs: UnsafePointer<iovec>?, count: Int32) -> Int {
        sly_send(descriptor, runs, count)
    }

    /// Opens a socket that becomes readable when links, addresses or routes of the machine change.
    package static func networkChanges() throws(Errno) -> Int32 {
        try checked(sly_network_changes())
    }

    /// Whether the machine supports IPv6 at all.
    package static var hasIPv6: Bool {
        #if os(Linux)
            // A kernel that was booted without IPv6 can create sockets of the family, but lacks this file.
            access("/proc/net/if_inet6", F_OK) == 0
        #else
            guard let probe = try? stream(family: AF_INET6) else { return false }
            close(probe)
            return true
        #endif
    }

    /// The maximum length of a Unix socket's path, in bytes: the field holds one more, for the NUL.
    package static let maxUnixPath: Int = {
        #if os(Linux)
            107
        #else
            103
        #endif
    }()

    private static func checked(_ result: Int32) throws(Errno) -> Int32 {
        guard result >= 0 else { throw Errno(rawValue: -result) }
        return result
    }
}
