import Glibc
import Synchronization

/// A service of the scenario itself: it listens, and runs a closure for every connection on a thread of its own.
final class PlainListener: Sendable {
    let address: PlainAddress
    private let descriptor: Int32
    private let isClosed = Atomic<Bool>(false)

    /// Listens; no connection is accepted until ``accept()`` or ``serve(_:)`` is called.
    init(_ address: PlainAddress) throws {
        if case .unix(let path) = address { unlink(path) }
        let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw ScenarioFailure("socket: errno \(errno)") }
        self.descriptor = descriptor
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var bound = address
        guard address.withSocketAddress({ bind(descriptor, $0, $1) }) == 0, listen(descriptor, 4096) == 0
        else {
            let code = errno
            Glibc.close(descriptor)
            throw ScenarioFailure("listen \(address): \(String(cString: strerror(code)))")
        }
        switch address {
        case .ipv4: bound = .ipv4(port: Self.port(of: descriptor))
        case .ipv6: bound = .ipv6(port: Self.port(of: descriptor))
        case .unix: break
        }
        self.address = bound
    }

    deinit {
        close()
        Glibc.close(descriptor)
    }

    /// The port; 0 for a Unix socket.
    var port: UInt16 {
        switch address {
        case .ipv4(let port), .ipv6(let port): port
        case .unix: 0
        }
    }

    private static func port(of descriptor: Int32) -> UInt16 {
        var address = sockaddr_in6()
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        // The port is at the same offset in the addresses of both families.
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = getsockname(descriptor, $0, &size)
            }
        }
        return UInt16(bigEndian: address.sin6_port)
    }

    /// Waits for a connection.
    func accept(within timeout: Duration = Waiting.timeout) throws -> PlainSocket {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Int32(timeout.components.seconds * 1000)) == 1 else {
            throw ScenarioFailure("nobody connected to \(address)")
        }
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { throw ScenarioFailure("accept: errno \(errno)") }
        return PlainSocket(adopting: accepted)
    }

    /// Runs `handler` for every connection from now on, each on a thread of its own.
    func serve(_ handler: @escaping @Sendable (PlainSocket) throws -> Void) {
        let descriptor = dup(descriptor)
        Thread.start { [weak self] in
            defer { Glibc.close(descriptor) }
            while self?.isClosed.load(ordering: .relaxed) == false {
                let accepted = Glibc.accept(descriptor, nil, nil)
                guard accepted >= 0 else { return }
                let socket = PlainSocket(adopting: accepted)
                Thread.start {
                    try? handler(socket)
                    socket.close()
                }
            }
        }
    }

    /// Closes the listener.
    func close() {
        guard !isClosed.exchange(true, ordering: .relaxed) else { return }
        shutdown(descriptor, Int32(SHUT_RDWR))
        if case .unix(let path) = address { unlink(path) }
    }
}

/// A detached thread.
enum Thread {
    static func start(_ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        let code = pthread_create(
            &thread,
            nil,
            { pointer in
                if let pointer { Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue().body() }
                return nil
            },
            box.toOpaque()
        )
        precondition(code == 0, "a scenario has too many threads")
        pthread_detach(thread)
    }
}

/// Services that many scenarios need.
extension PlainListener {
    /// A service that echoes all bytes and the end of the stream.
    static func echo(at address: PlainAddress = .ipv4(port: 0)) throws -> PlainListener {
        let listener = try PlainListener(address)
        listener.serve { socket in
            while case let bytes = try socket.readSome(), !bytes.isEmpty { try socket.write(bytes) }
            socket.finish()
        }
        return listener
    }
}
