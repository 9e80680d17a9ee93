import Foundation
import SystemPackage
import Testing

@testable import EventIO

@Suite struct BoundSocketTests {
    @Test func aPortInUseIsRefusedWithItsAddress() throws {
        let first = try BoundSocket(loopback())
        try first.listen()
        let failure = #expect(throws: SystemFailure.self) { try BoundSocket(first.address) }
        #expect(failure?.description == "bind \(first.address): address already in use (EADDRINUSE)")
    }

    @Test func theStalePathOfAKilledProcessIsReplaced() throws {
        let path = freePath()
        let address = try #require(SocketAddress(unixPath: path))
        do {
            let left = try BoundSocket(address)
            // As after a killed process: the path remains and nobody listens on it.
            try left.handOver().close()
        }
        #expect(FileManager.default.fileExists(atPath: path))
        let again = try BoundSocket(address)
        try again.listen()
        #expect(throws: SystemFailure.self) { try BoundSocket(address) }
        _ = again
    }

    @Test func freeingASocketRemovesItsPath() throws {
        let path = freePath()
        let address = try #require(SocketAddress(unixPath: path))
        do { _ = try BoundSocket(address) }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    // MARK: A successor

    @Test func aHandedOverPathStaysUntilItsSuccessorReleasesIt() throws {
        let path = freePath()
        let address = try #require(SocketAddress(unixPath: path))
        var bound: BoundSocket? = try BoundSocket(address)
        let file = try #require(bound).handOver()
        bound = nil
        #expect(FileManager.default.fileExists(atPath: path))
        var successor: BoundSocket? = try BoundSocket(adopting: file)
        #expect(successor?.address == address)
        successor = nil
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func aSuccessorCanHandItsSocketOverAgain() throws {
        let path = freePath()
        let address = try #require(SocketAddress(unixPath: path))
        var first: BoundSocket? = try BoundSocket(address)
        var second: BoundSocket? = try BoundSocket(adopting: #require(first).handOver())
        first = nil
        let file = try #require(second).handOver()
        second = nil
        #expect(FileManager.default.fileExists(atPath: path))
        do { _ = try BoundSocket(adopting: file) }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func freeingASocketDoesNotRemoveAPathThatAnotherSocketHas() throws {
        let path = freePath()
        let address = try #require(SocketAddress(unixPath: path))
        var first: BoundSocket? = try BoundSocket(address)
        try #require(first).listen()
        try FileManager.default.removeItem(atPath: path)
        let second = try BoundSocket(address)
        first = nil
        #expect(first == nil && FileManager.default.fileExists(atPath: path))
        withExtendedLifetime(second) {}
    }

    @Test(arguments: ["127.0.0.1", "unix"])
    func aListenerAcceptsConnectionsFromBeforeTheHandOver(host: String) throws {
        try withLoop { loop, done in
            let isUnix = host == "unix"
            let address = isUnix ? try #require(SocketAddress(unixPath: freePath())) : loopback(host)
            let bound = try BoundSocket(address)
            try bound.listen()
            let early = try BlockingSocket.connect(to: bound.address)
            let successor = try BoundSocket(adopting: bound.handOver())
            let acceptor = CountingAcceptor(2) { done(nil) }
            let listener = try Listener(successor, loop: loop, handler: acceptor)
            #expect(listener.address == bound.address)
            let late = try BlockingSocket.connect(to: bound.address)
            return Holder((early, late, acceptor, listener))
        }
    }

    @Test func aListenerThatIsClosedLeavesTheSocketToItsOtherOwner() throws {
        try withLoop { loop, done in
            let bound = try BoundSocket(loopback())
            let acceptor = CountingAcceptor(1) { done("the closed listener accepted a connection") }
            let listener = try Listener(bound, loop: loop, handler: acceptor)
            listener.close()
            let client = try BlockingSocket.connect(to: bound.address)
            let accepted = try BlockingSocket.accept(at: bound)
            done(nil)
            return Holder((acceptor, client, accepted))
        }
    }

    @Test func aDescriptorThatIsNoSocketIsNotAdoptedAndStaysOpen() throws {
        let (reader, writer) = try FileDescriptor.pipe()
        let failure = #expect(throws: SystemFailure.self) { try BoundSocket(adopting: reader) }
        #expect(failure?.operation == "getsockname")
        #expect(failure?.name == "ENOTSOCK")
        try writer.closeAfter { _ = try writer.writeAll("x".utf8) }
        var byte: UInt8 = 0
        #expect(try withUnsafeMutableBytes(of: &byte) { try reader.read(into: $0) } == 1)
        try reader.close()
    }

    @Test func theWildcardAddressMeansIPv4AndIPv6() throws {
        let endpoint = try Endpoint(parsing: ":7443", for: .listening(barePortHost: ""))
        let addresses = try endpoint.listenAddresses().map(\.description)
        #expect(addresses.first == "0.0.0.0:7443")
        #expect(Set(addresses).isSubset(of: ["0.0.0.0:7443", "[::]:7443"]))
    }
}

private func freePath() -> String {
    NSTemporaryDirectory() + "/sly-bound-\(UUID().uuidString.prefix(8)).sock"
}

/// Finishes when it has accepted a given number of connections.
private final class CountingAcceptor: ListenerHandler {
    private var missing: Int
    private let done: () -> Void

    init(_ count: Int, _ done: @escaping () -> Void) {
        missing = count
        self.done = done
    }

    func listener(_ listener: Listener, accepted connection: DetachedSocket) {
        missing -= 1
        if missing == 0 { done() }
    }

    func listener(_ listener: Listener, pausedBy failure: SystemFailure) {}
    func listenerResumed(_ listener: Listener) {}
}
