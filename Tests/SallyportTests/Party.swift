import EventIO
import SecureLink
import Synchronization
import Testing

@testable import Sallyport

/// A server with one user, and a login for that user.
///
/// The password is stretched once for all tests.
final class Party: Sendable {
    let server: MessageServer

    static let alice = Result { try Login(user: "alice", password: "correct horse") }
    private static let passwords = Task {
        let path = "/tmp/sallyport-tests-\(UInt64.random(in: 0 ..< .max))"
        try await Passwords.set("alice", "correct horse", in: path)
        return path
    }

    init(_ options: ConnectionOptions = ConnectionOptions()) async throws {
        server = try await MessageServer.start(
            on: "127.0.0.1:0",
            passwords: Passwords(file: try await Self.passwords.value),
            options: options
        )
    }

    var address: String { server.addresses[0] }

    /// Opens another connection; returns both ends of it.
    func connect(
        _ options: ConnectionOptions = ConnectionOptions(),
        by address: String? = nil,
        handlers: (@Sendable (Connection) -> Void)? = nil
    ) async throws -> (client: Connection, server: Connection) {
        let known = Set(server.connections.compactMap(\.token))
        let client = try await MessageClient.connect(
            to: address ?? self.address,
            as: Self.alice.get(),
            options: options,
            handlers: handlers
        )
        let other = try #require(server.connections.first { !($0.token.map(known.contains) ?? true) })
        return (client, other)
    }
}

/// A list that several tasks append to.
final class Notes<Element: Sendable>: Sendable {
    private let notes = Mutex<[Element]>([])

    var all: [Element] { notes.withLock { $0 } }

    func add(_ note: Element) { notes.withLock { $0.append(note) } }
}

/// Waits until a condition holds, for at most about ten seconds.
func eventually(_ what: Comment, _ condition: () async throws -> Bool) async throws {
    for _ in 0..<1000 {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record(what)
}

/// Expects an error with this code.
func expectError<Value>(
    _ code: SallyportError.Code,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Value
) async {
    do {
        _ = try await body()
        Issue.record("no error", sourceLocation: sourceLocation)
    } catch {
        #expect((error as? SallyportError)?.code == code, "\(error)", sourceLocation: sourceLocation)
    }
}

/// Forwards connections to an address until they are cut.
final class CuttableLine: Sendable {
    let address: String
    private let sockets = Mutex<[BlockingSocket]>([])
    private let isDown = Mutex(false)

    init(to target: String) throws {
        let port = try #require(UInt16(target.split(separator: ":").last ?? ""))
        let there = try #require(SocketAddress(numericHost: "127.0.0.1", port: port))
        let bound = try BoundSocket(try #require(SocketAddress(numericHost: "127.0.0.1", port: 0)))
        try bound.listen()
        address = "\(bound.address)"
        let listening = Listening(bound)
        _ = try LoopThread(name: "line") { [weak self] in
            while let near = listening.accept(), let far = try? BlockingSocket.connect(to: there) {
                guard !(self?.isDown.withLock { $0 } ?? true) else { continue }
                self?.sockets.withLock { $0 += [near, far] }
                for (from, to) in [(near, far), (far, near)] {
                    _ = try? LoopThread(name: "line-copy") { Self.copy(from, to) }
                }
            }
        }
    }

    /// Ends all connections, and new ones until the line is up again.
    func goDown() {
        isDown.withLock { $0 = true }
        cut()
    }

    /// Goes down, and waits until the connection over this line has noticed.
    func goDown(under connection: Connection) async throws {
        goDown()
        try await eventually("the link is lost") {
            await withCheckedContinuation { continuation in
                connection.loop.perform(
                    .inspect { [id = connection.id] in
                        continuation.resume(returning: !($0.drivers[id]?.session.isAttached ?? true))
                    }
                )
            }
        }
    }

    func comeUp() {
        isDown.withLock { $0 = false }
    }

    /// Ends all connections; new ones are forwarded again.
    func cut() {
        let cut = sockets.withLock { sockets in
            defer { sockets = [] }
            return sockets
        }
        for socket in cut { socket.shutdownWriting() }
    }

    private static func copy(_ from: BlockingSocket, _ to: BlockingSocket) {
        withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 16) { space in
            while let count = try? from.read(into: space), count > 0 {
                let bytes = UnsafeRawBufferPointer(rebasing: space[..<count])
                guard (try? to.write(bytes)) != nil else { return }
            }
            to.shutdownWriting()
        }
    }

    /// A listening socket that one thread creates and another one uses.
    private final class Listening: @unchecked Sendable {
        private let bound: BoundSocket

        init(_ bound: BoundSocket) {
            self.bound = bound
        }

        func accept() -> BlockingSocket? { try? BlockingSocket.accept(at: bound) }
    }
}
