import CLibuv
import CLinux
import Glibc

extension EventLoop {
    /// Looks up the addresses of an endpoint, off the loop's thread.
    ///
    /// `completion` is called once, on the loop's thread, in a later turn: with at least one address in the system's order
    /// of preference, or with why there is none. A numeric address or a path needs no looking up, but comes the same way.
    package func resolve(
        _ endpoint: Endpoint,
        _ completion: @escaping (Result<[SocketAddress], ResolveFailure>) -> Void
    ) {
        switch endpoint {
        case .unix(let path):
            guard let address = SocketAddress(unixPath: path) else {
                completion(.failure(ResolveFailure(host: path, reason: "the path is too long")))
                return
            }
            completion(.success([address]))
        case .tcp(let host, let port):
            if let address = SocketAddress(numericHost: host, port: port) {
                completion(.success([address]))
            } else {
                Lookup.start(host: host, port: port, on: self, completion)
            }
        }
    }
}

/// Why a name has no address.
package struct ResolveFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The name.
    package let host: String
    /// The system's words for it.
    package let reason: String

    package var description: String { "\(host): \(reason)" }
}

/// One question to the system's resolver.
private final class Lookup {
    private let host: String
    private let port: UInt16
    private let completion: (Result<[SocketAddress], ResolveFailure>) -> Void
    private let request: UnsafeMutablePointer<uv_getaddrinfo_t>

    private init(
        host: String,
        port: UInt16,
        _ completion: @escaping (Result<[SocketAddress], ResolveFailure>) -> Void
    ) {
        self.host = host
        self.port = port
        self.completion = completion
        request = .allocate(capacity: 1)
    }

    deinit {
        request.deallocate()
    }

    static func start(
        host: String,
        port: UInt16,
        on loop: EventLoop,
        _ completion: @escaping (Result<[SocketAddress], ResolveFailure>) -> Void
    ) {
        let lookup = Lookup(host: host, port: port, completion)
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        // libuv's request keeps the lookup alive until its callback has run.
        let retained = Unmanaged.passRetained(lookup)
        lookup.request.pointee.data = retained.toOpaque()
        let code = uv_getaddrinfo(
            loop.libuv.uv,
            lookup.request,
            { request, status, found in
                guard let request, let data = request.pointee.data else { return }
                Unmanaged<Lookup>.fromOpaque(data).takeRetainedValue().finish(status, found)
            },
            host,
            nil,
            &hints
        )
        loop.libuv.ask()
        guard code != 0 else { return }
        retained.release()
        completion(.failure(ResolveFailure(host: host, reason: String(cString: uv_strerror(code)))))
    }

    private func finish(_ status: Int32, _ found: UnsafeMutablePointer<addrinfo>?) {
        defer { if let found { uv_freeaddrinfo(found) } }
        guard status == 0 else {
            completion(.failure(ResolveFailure(host: host, reason: String(cString: uv_strerror(status)))))
            return
        }
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
        completion(
            addresses.isEmpty
                ? .failure(ResolveFailure(host: host, reason: "the name has no address"))
                : .success(addresses)
        )
    }
}
