import Glibc
import Platform
import Testing

@testable import EventIO

@Suite struct PacingTests {
    /// The congestion control that the system gives every socket, and the one that a loopback socket must have.
    static let usual = withProbe { SocketOptions.congestionControl($0) } ?? ""
    static let within = usual.hasPrefix("bbr") ? "reno" : usual

    @Test(arguments: [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("0.0.0.0", "127.0.0.1"), ("::", "::1")])
    func aLoopbackConnectionIsNotPaced(listening: String, connecting: String) throws {
        try withLoop { loop, done in
            let judge = Judge(loop) { done($0) }
            let listener = try Listener(BoundSocket(loopback(listening)), loop: loop, handler: judge)
            let address = try #require(SocketAddress(numericHost: connecting, port: listener.address.port))
            let socket = try StreamSocket.connect(to: address, loop: loop, handler: judge)
            judge.connected = SocketOptions.congestionControl(socket.descriptor)
            return Both(listener, (judge, socket))
        }
    }

    @Test func aSocketCanBeSwitchedToAnUnpacedCongestionControl() throws {
        let bound = try BoundSocket(loopback())
        SocketOptions.setCongestionControl(bound.descriptor, "reno")
        #expect(SocketOptions.congestionControl(bound.descriptor) == "reno")
    }

    @Test func aSocketOnTheWildcardAddressKeepsTheSystemsCongestionControl() throws {
        let bound = try BoundSocket(loopback("0.0.0.0"))
        #expect(SocketOptions.congestionControl(bound.descriptor) == Self.usual)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.9.8.7", true), ("::1", true), ("::ffff:127.0.0.1", true),
        ("128.0.0.1", false),
        ("10.0.0.127", false), ("::", false), ("::2", false), ("::ffff:10.0.0.1", false), ("fe80::1", false),
        ("::7f00:1", false), ("2001:db8::1", false),
    ]) func loopbackAddressesAreRecognised(host: String, isLoopback: Bool) throws {
        #expect(try #require(SocketAddress(numericHost: host, port: 80)).isLoopback == isLoopback)
    }

    @Test func aUnixPathIsNoLoopbackAddress() throws {
        #expect(try #require(SocketAddress(unixPath: "/tmp/a.sock")).isLoopback == false)
    }

    private final class Both {
        let held: (AnyObject, Any)
        init(_ first: AnyObject, _ second: Any) { held = (first, second) }
    }

    /// Compares the congestion control of both ends of a connection with the expected one.
    private final class Judge: ListenerHandler, StreamSocketHandler {
        var connected: String?
        let loop: EventLoop
        let done: (String?) -> Void

        init(_ loop: EventLoop, _ done: @escaping (String?) -> Void) {
            self.loop = loop
            self.done = done
        }

        func listener(_ listener: Listener, accepted connection: DetachedSocket) {
            let socket = StreamSocket(connection, loop: loop)
            let accepted = SocketOptions.congestionControl(socket.descriptor)
            let isRight = accepted == PacingTests.within && connected == PacingTests.within
            done(isRight ? nil : "accepted \(accepted ?? "-"), connected \(connected ?? "-")")
        }

        func listener(_ listener: Listener, pausedBy failure: SystemFailure) {}
        func listenerResumed(_ listener: Listener) {}
        func socketReadable(_ socket: StreamSocket) {}
        func socketWritable(_ socket: StreamSocket) {}
        func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) {}
    }
}
