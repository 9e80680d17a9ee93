import Glibc

/// The address of an application: a loopback port or a Unix socket.
enum PlainAddress: CustomStringConvertible, Sendable {
    case ipv4(port: UInt16)
    case ipv6(port: UInt16)
    case unix(path: String)

    /// The address as in `tunnel.conf`.
    var description: String {
        switch self {
        case .ipv4(let port): "127.0.0.1:\(port)"
        case .ipv6(let port): "[::1]:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// A loopback port that was free a moment ago and that the system does not assign by itself.
    static func free() throws -> PlainAddress {
        for _ in 0..<100 {
            let address = PlainAddress.ipv4(port: .random(in: chosenPorts))
            if (try? PlainListener(address)) != nil { return address }
        }
        throw ScenarioFailure("there is no free port on loopback")
    }

    /// Ports below those of outgoing connections (`ip_local_port_range`).
    ///
    /// One of those could be taken before the program under test listens on it.
    private static let chosenPorts: ClosedRange<UInt16> = 10_000...32_000

    func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        switch self {
        case .ipv4(let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            return Self.pass(&address, body)
        case .ipv6(let port):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_addr = in6addr_loopback
            return Self.pass(&address, body)
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) {
                $0.copyBytes(from: path.utf8.prefix($0.count - 1))
            }
            return Self.pass(&address, body)
        }
    }

    private static func pass<Address, Result>(
        _ address: inout Address,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        let size = socklen_t(MemoryLayout<Address>.size)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) }
        }
    }
}
