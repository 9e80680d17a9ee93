import Platform

/// A resolved address: IPv4 or IPv6 with a port, or the path of a Unix socket.
package struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    private enum Kind: Hashable, Sendable {
        case v4(address: UInt32, port: UInt16)
        case v6(high: UInt64, low: UInt64, scope: UInt32, port: UInt16)
        case unix(String)
    }

    private let kind: Kind

    /// A numeric address; `nil` if the text is a name.
    package init?(numericHost host: String, port: UInt16) {
        var v4 = in_addr()
        if inet_pton(AF_INET, host, &v4) == 1 {
            kind = .v4(address: UInt32(bigEndian: v4.s_addr), port: port)
            return
        }
        // A zone may follow: fe80::1%eth0.
        let parts = host.split(separator: "%", maxSplits: 1)
        var v6 = in6_addr()
        guard let text = parts.first, inet_pton(AF_INET6, String(text), &v6) == 1 else { return nil }
        var scope: UInt32 = 0
        if parts.count == 2 {
            scope = UInt32(parts[1]) ?? if_nametoindex(String(parts[1]))
            guard scope != 0 else { return nil }
        }
        kind = Self.v6(v6, scope: scope, port: port)
    }

    /// The path of a Unix socket; `nil` if it is empty or longer than ``SystemSocket/maxUnixPath``.
    package init?(unixPath path: String) {
        guard (1...SystemSocket.maxUnixPath).contains(path.utf8.count) else { return nil }
        kind = .unix(path)
    }

    /// An address as the system returned it; `nil` if it is of another family.
    init?(_ address: UnsafePointer<sockaddr>, length: socklen_t) {
        let raw = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET where Int(length) >= MemoryLayout<sockaddr_in>.size:
            let v4 = raw.loadUnaligned(as: sockaddr_in.self)
            kind = .v4(address: UInt32(bigEndian: v4.sin_addr.s_addr), port: UInt16(bigEndian: v4.sin_port))
        case AF_INET6 where Int(length) >= MemoryLayout<sockaddr_in6>.size:
            let v6 = raw.loadUnaligned(as: sockaddr_in6.self)
            kind = Self.v6(v6.sin6_addr, scope: v6.sin6_scope_id, port: UInt16(bigEndian: v6.sin6_port))
        case AF_UNIX:
            // An unbound socket has no path.
            let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
            let bytes = UnsafeRawBufferPointer(start: raw + offset, count: max(0, Int(length) - offset))
            kind = .unix(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
        default:
            return nil
        }
    }

    /// The address that a socket is bound to; `nil` if the system does not report one.
    init?(localOf descriptor: Int32) {
        self.init(of: descriptor, by: getsockname)
    }

    /// The address that a socket is connected to; `nil` if the socket is not connected.
    init?(remoteOf descriptor: Int32) {
        self.init(of: descriptor, by: getpeername)
    }

    private init?(
        of descriptor: Int32,
        by ask: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) {
        var storage = sockaddr_storage()
        let address = withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> SocketAddress? in
                var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                guard ask(descriptor, pointer, &length) == 0 else { return nil }
                return SocketAddress(pointer, length: length)
            }
        }
        guard let address else { return nil }
        self = address
    }

    /// The address of a Unix socket without a path, such as one of a socket pair.
    static let unnamed = SocketAddress(.unix(""))

    /// Whether it is a Unix socket.
    package var isUnix: Bool {
        if case .unix = kind { return true }
        return false
    }

    /// The path of the Unix socket; nil if there is none.
    var unixPath: String? {
        guard case .unix(let path) = kind, !path.isEmpty else { return nil }
        return path
    }

    /// Whether it is a loopback address: 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        switch kind {
        case .v4(let address, _): address >> 24 == 127
        // An IPv4-mapped IPv6 address is treated as its IPv4 address.
        case .v6(0, let low, _, _): low == 1 || low >> 24 == 0xFFFF_7F
        case .v6, .unix: false
        }
    }

    /// The port; 0 for a Unix socket.
    package var port: UInt16 {
        switch kind {
        case .v4(_, let port): port
        case .v6(_, _, _, let port): port
        case .unix: 0
        }
    }

    /// The range of addresses for which limits on unauthenticated clients are counted.
    ///
    /// The address itself for IPv4; the /64 for IPv6, because one household gets a /64.
    package var prefix: AddressPrefix {
        switch kind {
        case .v4(let address, _): AddressPrefix(high: 0, low: UInt64(address))
        // An IPv4-mapped IPv6 address counts as its IPv4 address.
        case .v6(0, let low, _, _) where low >> 32 == 0xFFFF: AddressPrefix(high: 0, low: low & 0xFFFF_FFFF)
        case .v6(let high, _, _, _): AddressPrefix(high: 1, low: high)
        case .unix: AddressPrefix(high: 2, low: 0)
        }
    }

    package var description: String {
        switch kind {
        case .v4(let address, let port):
            return "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255):\(port)"
        case .v6(0, let low, _, let port) where low >> 32 == 0xFFFF:
            let address = UInt32(truncatingIfNeeded: low)
            return "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255):\(port)"
        case .v6(_, _, let scope, let port):
            let zone = scope == 0 ? "" : "%\(scope)"
            return "[\(v6Text)\(zone)]:\(port)"
        case .unix(let path):
            return path.isEmpty ? "unix" : "unix:\(path)"
        }
    }
}

/// A range of addresses that counts as one unauthenticated client.
package struct AddressPrefix: Hashable, Sendable {
    fileprivate let high: UInt64
    fileprivate let low: UInt64
}

// MARK: - System representation

extension SocketAddress {
    var family: Int32 {
        switch kind {
        case .v4: AF_INET
        case .v6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Calls `body` with the system's representation of the address, which is valid during the call.
    func withSystemAddress<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        switch kind {
        case .v4(let address, let port):
            var v4 = sockaddr_in()
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_addr.s_addr = address.bigEndian
            v4.sin_port = port.bigEndian
            return Self.lend(&v4, body)
        case .v6(_, _, let scope, let port):
            var v6 = sockaddr_in6()
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_addr = v6Bytes
            v6.sin6_scope_id = scope
            v6.sin6_port = port.bigEndian
            return Self.lend(&v6, body)
        case .unix(let path):
            var unix = sockaddr_un()
            unix.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &unix.sun_path) {
                $0.copyBytes(from: path.utf8.prefix(SystemSocket.maxUnixPath))
            }
            return Self.lend(&unix, body)
        }
    }

    private static func lend<A, R>(_ address: inout A, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R
    {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<A>.size))
            }
        }
    }

    private static func v6(_ address: in6_addr, scope: UInt32, port: UInt16) -> Kind {
        withUnsafeBytes(of: address) { bytes in
            .v6(
                high: UInt64(bigEndian: bytes.load(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                scope: scope,
                port: port
            )
        }
    }

    private var v6Bytes: in6_addr {
        guard case .v6(let high, let low, _, _) = kind else { return in6_addr() }
        var address = in6_addr()
        withUnsafeMutableBytes(of: &address) {
            $0.storeBytes(of: high.bigEndian, as: UInt64.self)
            $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return address
    }

    private var v6Text: String {
        var address = v6Bytes
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &address, &text, socklen_t(text.count)) != nil else { return "?" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension SocketAddress {
    /// The same host with port 0; binding it shows whether the host is an address of this machine.
    package var withAnyPort: SocketAddress { with(port: 0) }

    /// The same host with another port.
    func with(port: UInt16) -> SocketAddress {
        switch kind {
        case .v4(let address, _): SocketAddress(.v4(address: address, port: port))
        case .v6(let high, let low, let scope, _):
            SocketAddress(.v6(high: high, low: low, scope: scope, port: port))
        case .unix: self
        }
    }

    private init(_ kind: Kind) {
        self.kind = kind
    }
}

// MARK: - Name look-up

extension SocketAddress {
    /// The hints for the resolver: TCP addresses, of families that the machine has.
    static var lookupHints: addrinfo {
        var hints = addrinfo()
        hints.ai_socktype = SocketOptions.streamType
        hints.ai_flags = AI_ADDRCONFIG
        return hints
    }

    /// The addresses of a resolver's answer, with a port: each address once, in the resolver's order.
    static func list(of answer: UnsafeMutablePointer<addrinfo>?, port: UInt16) -> [SocketAddress] {
        var addresses: [SocketAddress] = []
        var next = answer
        while let info = next {
            if let raw = info.pointee.ai_addr,
                let address = SocketAddress(raw, length: info.pointee.ai_addrlen)?.with(port: port),
                !addresses.contains(address)
            {
                addresses.append(address)
            }
            next = info.pointee.ai_next
        }
        return addresses
    }
}
