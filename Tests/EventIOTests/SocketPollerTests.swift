import Basics
import Glibc
import Testing

@testable import EventIO

/// libuv is level-triggered.
///
/// A socket calls its handler edge-triggered, once for each change, and the loop sleeps in between.
@Suite struct SocketPollerTests {
    /// The maximum number of turns while nothing happens: a few for the start, a few for timers.
    private static let maxTurns: UInt64 = 30

    @Test func unreadBytesAreReportedOnceAndTheLoopSleeps() throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            try ours.start(wire)
            wire.send("hello")
            let before = loop.turns
            let timer = LoopTimer(loop) { [unowned loop] in
                let turns = loop.turns - before
                done(
                    wire.readableCalls == 1 && turns < Self.maxTurns ? nil : "\(wire.readableCalls) \(turns)"
                )
            }
            timer.schedule(after: .milliseconds(200))
            return Holder((wire, timer))
        }
    }

    @Test func furtherBytesAreReportedAfterTheFirstWereRead() throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            try ours.start(wire)
            wire.readable = {
                guard wire.readAll() != "" else { return }
                if wire.received == "hello" { wire.send(" again") }
                if wire.received == "hello again" { done(nil) }
            }
            wire.send("hello")
            return wire
        }
    }

    /// A stream without credit leaves bytes in its socket.
    ///
    /// When it has credit again, it reads them without a new event.
    @Test func unreadBytesCanBeReadLaterAndTheNextOnesAreReported() throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            try ours.start(wire)
            wire.send("hello")
            let later = LoopTimer(loop) {
                if wire.readAll() != "hello" { done("not there any more") }
                wire.readable = { done(wire.readAll() == "again" ? nil : wire.received) }
                wire.send("again")
            }
            later.schedule(after: .milliseconds(50))
            return Holder((wire, later))
        }
    }

    @Test func anEndWithUnreadBytesIsReportedOnceAndTheLoopSleeps() throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            try ours.start(wire)
            wire.send("last words")
            shutdown(theirs, Int32(SHUT_WR))
            let before = loop.turns
            // Longer than the time for which the poller does not watch a socket whose events were all reported.
            let timer = LoopTimer(loop) { [unowned loop] in
                let turns = loop.turns - before
                let isRight = wire.readableCalls == 1 && turns < Self.maxTurns
                done(isRight && wire.readAll() == "last words" ? nil : "\(wire.readableCalls) \(turns)")
            }
            timer.schedule(after: .milliseconds(500))
            return Holder((wire, timer))
        }
    }

    /// The poller asks libuv for no event of such a socket: readable, end of file and writable were all reported.
    @Test(arguments: [false, true])
    func aResetIsReportedAfterAllOtherEvents(isLate: Bool) throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop, isTCP: true)
            let wire = Wire(ours, theirs)
            wire.broken = { done($0.code == ECONNRESET || $0.code == EPIPE ? nil : $0.description) }
            try ours.start(wire)
            wire.send("last words")
            shutdown(theirs, Int32(SHUT_WR))
            let reset = LoopTimer(loop) {
                // If the peer closes its socket with unread bytes, the kernel sends a reset.
                _ = Array("too late".utf8).withUnsafeBytes { ours.write($0) }
                wire.reset()
            }
            reset.schedule(after: .milliseconds(isLate ? 400 : 20))
            return Holder((wire, reset))
        }
    }

    @Test func aFullSocketReportsWhenItIsWritableAndTheLoopSleepsMeanwhile() throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            try ours.start(wire)
            let block = [UInt8](repeating: 7, count: 1 << 20)
            while ours.isWritable { _ = block.withUnsafeBytes { ours.write($0) } }
            var turns = loop.turns
            let check = LoopTimer(loop) { [unowned loop] in
                turns = loop.turns - turns
                if turns > Self.maxTurns || wire.writableCalls > 0 { done("\(turns)") }
                wire.writable = { done(nil) }
                wire.drain()
            }
            check.schedule(after: .milliseconds(200))
            return Holder((wire, check))
        }
    }

    @Test func aDescriptorThatCannotBeWatchedIsAnError() throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            // The descriptor becomes a file, which cannot be watched. A closed one could be reused by another thread meanwhile.
            let file = open("/proc/self/exe", O_RDONLY)
            dup2(file, ours.descriptor)
            close(file)
            do {
                try ours.start(wire)
                done("it was watched")
            } catch {
                done((error as? SystemFailure)?.code == EPERM ? nil : "\(error)")
            }
            return wire
        }
    }

    /// An application may close a descriptor that it has given away, and open a file that gets its number: this must not end the
    /// process.
    @Test func aDescriptorReplacedByAFileBreaksItsSocketOnly() throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            wire.broken = { done($0.code == EPERM ? nil : $0.description) }
            try ours.start(wire)
            let block = [UInt8](repeating: 7, count: 1 << 20)
            while ours.isWritable { _ = block.withUnsafeBytes { ours.write($0) } }
            // The socket now waits to become writable, so the loop asks libuv again before it sleeps.
            let file = open("/proc/self/exe", O_RDONLY)
            dup2(file, ours.descriptor)
            close(file)
            return wire
        }
    }

    @Test func handlesAreReusedAndCanBeTrimmed() throws {
        try withLoop { loop, done in
            for round in 0..<3 {
                var wires: [Wire] = []
                for _ in 0..<50 {
                    let (ours, theirs) = try Wire.pair(loop)
                    let wire = Wire(ours, theirs)
                    try ours.start(wire)
                    wires.append(wire)
                }
                wires.removeAll()
                if round == 1 { loop.trim() }
            }
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            try ours.start(wire)
            wire.readable = { done(wire.readAll() == "hello" ? nil : wire.received) }
            wire.send("hello")
            return wire
        }
    }
}

/// A socket on a loop and the bare descriptor of its other end.
private final class Wire: StreamSocketHandler {
    let socket: StreamSocket
    private var peer: Int32
    private(set) var readableCalls = 0
    private(set) var writableCalls = 0
    private(set) var received = ""
    var readable = {}
    var writable = {}
    var broken: (SystemFailure) -> Void = { _ in }

    static func pair(_ loop: EventLoop, isTCP: Bool = false) throws -> (StreamSocket, Int32) {
        guard isTCP else {
            let (blocking, detached) = try BlockingSocket.pair()
            return (StreamSocket(detached, loop: loop), dup(blocking.descriptor))
        }
        let bound = try BoundSocket(loopback())
        try bound.listen()
        let client = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard bound.address.withSystemAddress({ connect(client, $0, $1) }) == 0 else {
            throw SystemFailure("connect", code: errno)
        }
        let server = try BlockingSocket.accept(at: bound)
        let ours = DetachedSocket(owning: dup(server.descriptor), remote: bound.address)
        return (StreamSocket(ours, loop: loop), client)
    }

    init(_ socket: StreamSocket, _ peer: Int32) {
        self.socket = socket
        self.peer = peer
    }

    deinit {
        socket.close()
        if peer >= 0 { close(peer) }
    }

    func send(_ text: String) {
        _ = text.withCString { write(peer, $0, text.utf8.count) }
    }

    func reset() {
        close(peer)
        peer = -1
    }

    /// Reads and drops all bytes that wait at the other end.
    func drain() {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while recv(peer, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 {}
    }

    @discardableResult
    func readAll() -> String {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 100)
        while case .bytes(let count) = buffer.withUnsafeMutableBytes({ socket.read(into: $0) }) {
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        received += text
        return text
    }

    func socketReadable(_ socket: StreamSocket) {
        readableCalls += 1
        readable()
    }

    func socketWritable(_ socket: StreamSocket) {
        writableCalls += 1
        writable()
    }

    func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) { broken(failure) }
}
