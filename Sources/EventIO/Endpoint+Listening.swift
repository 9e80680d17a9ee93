import CLibuv
import CLinux
import Glibc

extension Endpoint {
    /// The addresses to bind for listening here: looked up at once, which may take a moment, so not on a loop that has
    /// other work.
    ///
    /// An empty host is every address of the machine, of both families where the machine has both.
    ///
    /// - Returns: at least one address.
    /// - Throws: that the name has none.
    package func listenAddresses() throws(SystemFailure) -> [SocketAddress] {
        switch self {
        case .unix(let path):
            guard let address = SocketAddress(unixPath: path) else {
                throw SystemFailure("bind", path, code: ENAMETOOLONG)
            }
            return [address]
        case .tcp("", let port):
            let families = access("/proc/net/if_inet6", F_OK) == 0 ? ["0.0.0.0", "::"] : ["0.0.0.0"]
            return families.compactMap { SocketAddress(numericHost: $0, port: port) }
        case .tcp(let host, let port):
            if let address = SocketAddress(numericHost: host, port: port) { return [address] }
            return try Self.lookUp(host, port)
        }
    }

    private static func lookUp(_ host: String, _ port: UInt16) throws(SystemFailure) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &found) == 0 else {
            throw SystemFailure("look up", host, code: EADDRNOTAVAIL)
        }
        defer { freeaddrinfo(found) }
        var addresses: [SocketAddress] = []
        var next = found
        while let info = next {
            if let raw = info.pointee.ai_addr,
                let address = SocketAddress(raw, length: info.pointee.ai_addrlen)?.with(port: port),
                !addresses.contains(address)
            {
                addresses.append(address)
            }
            next = info.pointee.ai_next
        }
        guard !addresses.isEmpty else { throw SystemFailure("look up", host, code: EADDRNOTAVAIL) }
        return addresses
    }
}
