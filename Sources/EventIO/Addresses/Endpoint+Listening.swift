import Platform

extension Endpoint {
    /// The addresses to bind in order to listen at this endpoint.
    ///
    /// The call resolves a name synchronously and may block for a while: do not call it on a loop that has other work. An empty
    /// host means every address of the machine, of both families if the machine has both.
    ///
    /// - Returns: at least one address.
    /// - Throws: `look up` if the name has no address, `bind` if a path is too long.
    package func listenAddresses() throws(SystemFailure) -> [SocketAddress] {
        switch self {
        case .unix(let path):
            guard let address = SocketAddress(unixPath: path) else {
                throw SystemFailure("bind", path, code: ENAMETOOLONG)
            }
            return [address]
        case .tcp("", let port):
            let hosts = SystemSocket.hasIPv6 ? ["0.0.0.0", "::"] : ["0.0.0.0"]
            return hosts.compactMap { SocketAddress(numericHost: $0, port: port) }
        case .tcp(let host, let port):
            if let address = SocketAddress(numericHost: host, port: port) { return [address] }
            return try Self.lookUp(host, port)
        }
    }

    private static func lookUp(_ host: String, _ port: UInt16) throws(SystemFailure) -> [SocketAddress] {
        var hints = SocketAddress.lookupHints
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &found) == 0 else {
            throw SystemFailure("look up", host, code: EADDRNOTAVAIL)
        }
        defer { freeaddrinfo(found) }
        let addresses = SocketAddress.list(of: found, port: port)
        guard !addresses.isEmpty else { throw SystemFailure("look up", host, code: EADDRNOTAVAIL) }
        return addresses
    }
}
