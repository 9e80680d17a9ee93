import CLibuv
import Platform

extension EventLoop {
    /// Looks up the addresses of an endpoint without blocking the loop.
    ///
    /// The loop calls `completion` once, on its thread: with at least one address in the system's order of preference, or with
    /// the reason why there is none. A numeric address or a path needs no look-up: `completion` runs before this call returns.
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
                Lookup(host: host, port: port, completion).start(on: libuv)
            }
        }
    }
}

/// The reason why a name has no address.
package struct ResolveFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The name.
    package let host: String
    /// The reason in the system's words.
    package let reason: String

    package var description: String { "\(host): \(reason)" }
}

/// One query to the system's resolver, made by a thread of libuv's pool.
private final class Lookup: PendingRequest {
    private let host: String
    private let port: UInt16
    private var completion: ((Result<[SocketAddress], ResolveFailure>) -> Void)?
    private let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)

    init(
        host: String,
        port: UInt16,
        _ completion: @escaping (Result<[SocketAddress], ResolveFailure>) -> Void
    ) {
        self.host = host
        self.port = port
        self.completion = completion
    }

    deinit {
        request.deallocate()
    }

    func start(on libuv: LibuvLoop) {
        var hints = SocketAddress.lookupHints
        // libuv's request retains this object until its callback has run.
        let retained = Unmanaged.passRetained(self)
        request.pointee.data = retained.toOpaque()
        let code = uv_getaddrinfo(
            libuv.uv,
            request,
            { request, status, found in
                guard let request, let data = request.pointee.data else { return }
                let lookup = Unmanaged<Lookup>.fromOpaque(data).takeRetainedValue()
                request.pointee.loop.withOwner { loop in
                    loop.somethingHappened()
                    loop.libuv.finished(lookup)
                }
                lookup.finish(status, found)
            },
            host,
            nil,
            &hints
        )
        if code == 0 {
            libuv.began(self)
        } else {
            retained.release()
            end(.failure(ResolveFailure(host: host, reason: String(cString: uv_strerror(code)))))
        }
    }

    func cancel() -> Bool {
        completion = nil
        return request.withMemoryRebound(to: uv_req_t.self, capacity: 1) { uv_cancel($0) == 0 }
    }

    private func finish(_ status: Int32, _ found: UnsafeMutablePointer<addrinfo>?) {
        defer { if let found { uv_freeaddrinfo(found) } }
        guard status == 0 else {
            end(.failure(ResolveFailure(host: host, reason: String(cString: uv_strerror(status)))))
            return
        }
        let addresses = SocketAddress.list(of: found, port: port)
        end(
            addresses.isEmpty
                ? .failure(ResolveFailure(host: host, reason: "the name has no address"))
                : .success(addresses)
        )
    }

    private func end(_ result: Result<[SocketAddress], ResolveFailure>) {
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}
