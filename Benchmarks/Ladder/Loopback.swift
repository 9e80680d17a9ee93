import EventIO
import Glibc
import Logging
import SecureLink
import Synchronization
import Tunnel
import Vocabulary

/// A target that discards what it reads, and signals when the expected number of bytes has arrived.
final class Sink: Sendable {
    let address: SocketAddress
    private let missing = Atomic<Int>(0)
    private let done = ThreadSemaphore()

    init() throws {
        let bound = try BoundSocket(loopback())
        try bound.listen()
        address = bound.address
        let acceptor = Acceptor(bound)
        _ = try LoopThread(name: "sink") { [self] in
            while let socket = acceptor.next() { swallow(socket) }
        }
    }

    func expect(_ count: Int) {
        missing.store(count, ordering: .relaxed)
    }

    func wait() {
        done.wait()
    }

    private func swallow(_ socket: BlockingSocket) {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { block.deallocate() }
        while let count = try? socket.read(into: block), count > 0 {
            if missing.subtract(count, ordering: .relaxed).newValue == 0 { done.post() }
        }
    }
}

/// A relay that reads and writes on one thread: the cost of a tunnel without a cipher, a protocol or an event loop.
final class PlainRelay {
    let address: SocketAddress

    init(to target: SocketAddress) throws {
        let bound = try BoundSocket(loopback())
        try bound.listen()
        address = bound.address
        let acceptor = Acceptor(bound)
        _ = try LoopThread(name: "relay") {
            while let socket = acceptor.next(), let next = try? BlockingSocket.connect(to: target) {
                Self.copy(socket, next)
            }
        }
    }

    private static func copy(_ from: BlockingSocket, _ to: BlockingSocket) {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { block.deallocate() }
        while let count = try? from.read(into: block), count > 0 {
            guard (try? to.write(UnsafeRawBufferPointer(rebasing: block[..<count]))) != nil else { return }
        }
        to.shutdownWriting()
    }
}

/// A listening socket, handed to the thread that uses it.
final class Acceptor: @unchecked Sendable {
    // One thread creates it and another one uses it, never both at the same time.
    private let bound: BoundSocket

    init(_ bound: BoundSocket) {
        self.bound = bound
    }

    func next() -> BlockingSocket? { try? BlockingSocket.accept(at: bound) }
}

/// A server end and a client end, each with one worker.
final class TunnelPair {
    let entry: SocketAddress
    private let folder: String

    /// Starts both ends.
    ///
    /// - Parameters:
    ///   - target: the address of the service.
    ///   - keeps: whether sessions outlive their links, and so keep the bytes that they have sent.
    ///   - line: returns the address through which the client reaches the server's address.
    /// - Throws: the system error, or an error of `line`.
    init(
        to target: SocketAddress,
        keeps: Bool,
        line: (SocketAddress) throws -> SocketAddress = { $0 }
    ) throws {
        var template = Array("/tmp/sallyport-ladder-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw BenchmarkFailure("no folder for the passwords") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let (password, _) = try LoginPassword.generate()
        var passwords = try PasswordFile(creating: folder + "/passwords")
        _ = try passwords.set("bench", password)
        let link = try Self.freePort()
        let accept = try Self.freePort()
        guard let entry = SocketAddress(numericHost: "127.0.0.1", port: accept),
            let server = SocketAddress(numericHost: "127.0.0.1", port: link)
        else { throw BenchmarkFailure("no loopback interface") }
        self.entry = entry
        let way = try line(server)
        var settings = LinkSettings()
        if !keeps { settings.resumption.buffer = 0 }
        let serving = try TunnelConfiguration(
            workers: 1,
            server: ServerConfiguration(
                listen: [.tcp(host: "127.0.0.1", port: link)],
                passwordFile: folder + "/passwords",
                link: settings
            ),
            services: [
                ServiceConfiguration(name: "sink", targets: [.tcp(host: "127.0.0.1", port: target.port)])
            ]
        )
        let routing = try TunnelConfiguration(
            workers: 1,
            peers: [
                PeerConfiguration(
                    name: "server",
                    addresses: [.tcp(host: "127.0.0.1", port: way.port)],
                    user: try Identity("bench"),
                    password: .environment(name: "NONE"),
                    link: settings
                )
            ],
            routes: [
                RouteConfiguration(
                    name: "sink",
                    accept: [.tcp(host: "127.0.0.1", port: accept)],
                    peer: "server",
                    service: "sink"
                )
            ]
        )
        let table = try passwords.table()
        let store = try CredentialStore(user: "bench", password: password, realm: passwords.realm)
        try Self.start(serving, TunnelSecrets(passwords: table, credentials: [:]))
        try Self.start(routing, TunnelSecrets(passwords: nil, credentials: ["server": store]))
        while (try? BlockingSocket.connect(to: entry)) == nil { usleep(10_000) }
    }

    deinit {
        unlink(folder + "/passwords")
        rmdir(folder)
    }

    private static func start(_ configuration: TunnelConfiguration, _ secrets: TunnelSecrets) throws {
        _ = try LoopThread(name: "tunnel") {
            let logger = Logger(label: "ladder") { _ in SwiftLogNoOpLogHandler() }
            _ = try? PreparedTunnel(configuration, secrets: secrets, logger: logger).confine().run()
        }
    }

    private static func freePort() throws -> UInt16 {
        try BoundSocket(loopback()).address.port
    }
}

/// The loopback address with port 0, which stands for any free port.
func loopback() throws -> SocketAddress {
    guard let address = SocketAddress(numericHost: "127.0.0.1", port: 0) else {
        throw BenchmarkFailure("no loopback interface")
    }
    return address
}
