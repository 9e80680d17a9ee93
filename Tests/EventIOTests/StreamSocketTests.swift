import Foundation
import Platform
import Synchronization
import Testing
import WireCoding

@testable import EventIO

@Suite struct StreamSocketTests {
    @Test(arguments: ["127.0.0.1", "::1", "unix"]) func bytesAndEndOfFileGoBothWays(host: String) throws {
        try withLoop { loop, done in
            let address = try Self.address(host)
            let server = try EchoServer(address, loop: loop)
            let data = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 9) }
            let client = try EchoClient(to: server.listener.address, sending: data, loop: loop) {
                received,
                failure in
                done(failure?.description ?? (received == data ? nil : "other bytes came back"))
            }
            return Holder((server, client))
        }
    }

    @Test func aResetIsReportedEvenIfNobodyReads() throws {
        try withLoop { loop, done in
            let server = try EchoServer(loopback(), loop: loop)
            server.resetsAtOnce = true
            let watcher = BrokenWatcher { failure in
                done(failure.code == ECONNRESET ? nil : failure.description)
            }
            let socket = try StreamSocket.connect(to: server.listener.address, loop: loop, handler: watcher)
            return Holder((server, watcher, socket))
        }
    }

    @Test func aRefusedConnectionIsReportedWithItsAddress() throws {
        try withLoop { loop, done in
            let free = try BoundSocket(loopback())
            let watcher = BrokenWatcher { failure in
                done(failure.code == ECONNREFUSED ? nil : failure.description)
            }
            do throws(SystemFailure) {
                let socket = try StreamSocket.connect(to: free.address, loop: loop, handler: watcher)
                return Holder((free, watcher, socket))
            } catch {
                done(
                    error.description == "connect \(free.address): connection refused (ECONNREFUSED)"
                        ? nil : "\(error)"
                )
                return nil
            }
        }
    }

    /// A kernel without this option ignores it, so there is nothing to test.
    @Test(.enabled(if: StreamSocketTests.knowsPortRanges))
    func anOutgoingConnectionMayUseAnyLocalPort() throws {
        try withLoop { loop, done in
            let server = try EchoServer(loopback(), loop: loop)
            let watcher = BrokenWatcher { _ in }
            let socket = try StreamSocket.connect(to: server.listener.address, loop: loop, handler: watcher)
            let range = StreamSocketTests.portRange(of: socket.descriptor)
            done(range == 0xFFFF_0001 ? nil : "\(range ?? 0)")
            return Holder((server, watcher, socket))
        }
    }

    static let knowsPortRanges = withProbe { portRange(of: $0) } != nil

    private static func portRange(of descriptor: Int32) -> UInt32? {
        var range: UInt32 = 0
        var length = socklen_t(MemoryLayout<UInt32>.size)
        // IP_LOCAL_PORT_RANGE: the C library of Debian 12 does not define it.
        let ipLocalPortRange: Int32 = 51
        return getsockopt(descriptor, Int32(IPPROTO_IP), ipLocalPortRange, &range, &length) == 0 ? range : nil
    }

    @Test func expectingBulkEnlargesTheBufferAndStillReportsEveryByte() throws {
        try withLoop { loop, done in
            let bound = try BoundSocket(loopback())
            try bound.listen()
            let accepted = AcceptedClient(done)
            let socket = try StreamSocket.connect(to: bound.address, loop: loop, handler: accepted)
            let before = StreamSocketTests.receiveBuffer(of: socket.descriptor)
            SocketOptions.expectBulk(socket.descriptor, bytes: 256 << 10)
            let after = StreamSocketTests.receiveBuffer(of: socket.descriptor)
            guard after > before else {
                done("\(before) and then \(after) bytes")
                return Holder((bound, accepted, socket))
            }
            let server = try BlockingSocket.accept(at: bound)
            let welcome = Array("welcome".utf8)
            try welcome.withUnsafeBytes { try server.write($0) }
            return Holder((bound, accepted, socket, server))
        }
    }

    private static func receiveBuffer(of descriptor: Int32) -> Int32 {
        var size: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, &length)
        return size
    }

    @Test func aSocketMayBeClosedByItsOwnHandler() throws {
        try withLoop { loop, done in
            let server = try EchoServer(loopback(), loop: loop)
            let closer = SelfCloser { done(nil) }
            let socket = try StreamSocket.connect(to: server.listener.address, loop: loop, handler: closer)
            closer.socket = socket
            if socket.isConnected { closer.socketWritable(socket) }
            return Holder((server, closer))
        }
    }

    @Test func bytesThatArriveWithTheConnectionAreReported() throws {
        try withLoop { loop, done in
            let bound = try BoundSocket(loopback())
            try bound.listen()
            let accepted = AcceptedClient(done)
            let socket = try StreamSocket.connect(to: bound.address, loop: loop, handler: accepted)
            // The other end sends before the loop polls for the first time: one event reports the connection and the bytes.
            let server = try BlockingSocket.accept(at: bound)
            let welcome = Array("welcome".utf8)
            try welcome.withUnsafeBytes { try server.write($0) }
            return Holder((bound, accepted, socket, server))
        }
    }

    private static func address(_ host: String) throws -> SocketAddress {
        guard host == "unix" else { return loopback(host) }
        let path = NSTemporaryDirectory() + "/sly-test-\(UUID().uuidString.prefix(8)).sock"
        return try #require(SocketAddress(unixPath: path))
    }
}

/// Echoes all bytes and the end of the stream.
final class EchoServer: ListenerHandler {
    private(set) var listener: Listener
    var resetsAtOnce = false
    private var connections: [EchoConnection] = []
    private let loop: EventLoop

    init(_ address: SocketAddress, loop: EventLoop) throws {
        self.loop = loop
        keptHandler = LateHandler()
        listener = try Listener(BoundSocket(address), loop: loop, handler: keptHandler)
        keptHandler.handler = self
    }

    private let keptHandler: LateHandler

    func listener(_ listener: Listener, accepted connection: DetachedSocket) {
        let socket = StreamSocket(connection, loop: loop)
        if resetsAtOnce {
            socket.closeWithReset()
        } else {
            connections.append(EchoConnection(socket))
        }
    }

    func listener(_ listener: Listener, pausedBy failure: SystemFailure) {}
    func listenerResumed(_ listener: Listener) {}
}

/// Forwards to a handler that is set later, because a listener needs its handler at once.
final class LateHandler: ListenerHandler {
    weak var handler: (any ListenerHandler)?

    func listener(_ listener: Listener, accepted connection: DetachedSocket) {
        handler?.listener(listener, accepted: connection)
    }

    func listener(_ listener: Listener, pausedBy failure: SystemFailure) {}
    func listenerResumed(_ listener: Listener) {}
}

final class EchoConnection: StreamSocketHandler {
    private let socket: StreamSocket
    private var waiting: [UInt8] = []
    private var hasEnded = false

    init(_ socket: StreamSocket) {
        self.socket = socket
        try? socket.start(self)
        socketReadable(socket)
    }

    func socketReadable(_ socket: StreamSocket) {
        var buffer = [UInt8](repeating: 0, count: 5000)
        while !socket.isClosed {
            switch buffer.withUnsafeMutableBytes({ socket.read(into: $0) }) {
            case .bytes(let count): waiting += buffer[..<count]
            case .nothing:
                flush()
                return
            case .end:
                hasEnded = true
                flush()
                return
            case .failed:
                socket.close()
                return
            }
        }
    }

    func socketWritable(_ socket: StreamSocket) {
        flush()
    }

    func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) {
        socket.close()
    }

    private func flush() {
        while !waiting.isEmpty {
            guard case .took(let count) = waiting.withUnsafeBytes({ socket.write($0) }), count > 0 else {
                return
            }
            waiting.removeFirst(count)
        }
        if hasEnded { socket.close() }
    }
}

final class EchoClient: StreamSocketHandler {
    private var socket: StreamSocket?
    private var unsent: [UInt8]
    private var received: [UInt8] = []
    private let completion: ([UInt8], SystemFailure?) -> Void

    init(
        to address: SocketAddress,
        sending data: [UInt8],
        loop: EventLoop,
        _ completion: @escaping ([UInt8], SystemFailure?) -> Void
    ) throws {
        unsent = data
        self.completion = completion
        let socket = try StreamSocket.connect(to: address, loop: loop, handler: self)
        self.socket = socket
        if socket.isConnected { socketWritable(socket) }
    }

    func socketReadable(_ socket: StreamSocket) {
        var buffer = [UInt8](repeating: 0, count: 70_000)
        while true {
            switch buffer.withUnsafeMutableBytes({ socket.read(into: $0) }) {
            case .bytes(let count): received += buffer[..<count]
            case .nothing: return
            case .end:
                completion(received, nil)
                return
            case .failed(let failure):
                completion(received, failure)
                return
            }
        }
    }

    func socketWritable(_ socket: StreamSocket) {
        var offset = 0
        while offset < unsent.count {
            let result = unsent.withUnsafeBytes {
                socket.write(UnsafeRawBufferPointer(rebasing: $0[offset...]))
            }
            guard case .took(let count) = result, count > 0 else { break }
            offset += count
        }
        unsent.removeFirst(offset)
        if unsent.isEmpty { socket.shutdownWriting() }
    }

    func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) {
        completion(received, failure)
    }
}

final class BrokenWatcher: StreamSocketHandler {
    private let broken: (SystemFailure) -> Void

    init(_ broken: @escaping (SystemFailure) -> Void) {
        self.broken = broken
    }

    func socketReadable(_ socket: StreamSocket) {}
    func socketWritable(_ socket: StreamSocket) {}

    func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) {
        broken(failure)
    }
}

final class SelfCloser: StreamSocketHandler {
    var socket: StreamSocket?
    private let closed: () -> Void

    init(_ closed: @escaping () -> Void) {
        self.closed = closed
    }

    func socketReadable(_ socket: StreamSocket) {
        // Drops the last reference while the socket is calling.
        self.socket?.close()
        self.socket = nil
        closed()
    }

    func socketWritable(_ socket: StreamSocket) {
        _ = Array("hello".utf8).withUnsafeBytes { socket.write($0) }
    }

    func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) {}
}

/// Reports the first bytes, and does nothing when it is connected.
private final class AcceptedClient: StreamSocketHandler {
    private let done: @Sendable (String?) -> Void

    init(_ done: @escaping @Sendable (String?) -> Void) {
        self.done = done
    }

    func socketReadable(_ socket: StreamSocket) { done(nil) }
    func socketWritable(_ socket: StreamSocket) {}
    func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) { done(failure.description) }
}
