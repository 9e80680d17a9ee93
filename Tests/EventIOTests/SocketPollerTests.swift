import Basics
import Glibc
import Testing

@testable import EventIO

/// libuv tells what is the case; a socket's handler is told what has changed, once, and the loop sleeps in between.
@Suite struct SocketPollerTests {
    /// So many turns may pass in a moment in which nothing happens: some for the beginning, some for timers.
    private static let maxTurns: UInt64 = 30

    @Test func aHandlerThatDoesNotReadIsToldOnceAndTheLoopSleeps() throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            try ours.start(wire)
            wire.say("hello")
            let before = loop.turns
            let timer = LoopTimer(loop) { [unowned loop] in
                let turns = loop.turns - before
                done(wire.toldReadable == 1 && turns < Self.maxTurns ? nil : "\(wire.toldReadable) \(turns)")
            }
            timer.schedule(after: .milliseconds(200))
            return Holder((wire, timer))
        }
    }

    @Test func moreThatComesIsToldAfterTheFirstWasRead() throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            try ours.start(wire)
            wire.readable = {
                guard wire.readAll() != "" else { return }
                if wire.heard == "hello" { wire.say(" again") }
                if wire.heard == "hello again" { done(nil) }
            }
            wire.say("hello")
            return wire
        }
    }

    /// A stream without credit leaves bytes in its socket; when it has credit again it reads without being told.
    @Test func bytesThatWereLeftAloneCanBeReadLaterAndTheNextAreTold() throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            try ours.start(wire)
            wire.say("hello")
            let later = LoopTimer(loop) {
                if wire.readAll() != "hello" { done("not there any more") }
                wire.readable = { done(wire.readAll() == "again" ? nil : wire.heard) }
                wire.say("again")
            }
            later.schedule(after: .milliseconds(50))
            return Holder((wire, later))
        }
    }

    @Test func aPeerThatEndsWhileNobodyReadsIsToldOnceAndTheLoopSleeps() throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            try ours.start(wire)
            wire.say("last words")
            shutdown(theirs, Int32(SHUT_WR))
            let before = loop.turns
            // Longer than a socket that knows everything is not watched.
            let timer = LoopTimer(loop) { [unowned loop] in
                let turns = loop.turns - before
                let isRight = wire.toldReadable == 1 && turns < Self.maxTurns
                done(isRight && wire.readAll() == "last words" ? nil : "\(wire.toldReadable) \(turns)")
            }
            timer.schedule(after: .milliseconds(500))
            return Holder((wire, timer))
        }
    }

    /// Nothing is asked for such a socket: it was told that there are bytes, that they end, and that it may write.
    @Test(arguments: [false, true])
    func aSocketThatKnowsEverythingIsStillToldOfAReset(isLate: Bool) throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop, isTCP: true)
            let wire = Wire(ours, theirs)
            wire.broken = { done($0.code == ECONNRESET || $0.code == EPIPE ? nil : $0.description) }
            try ours.start(wire)
            wire.say("last words")
            shutdown(theirs, Int32(SHUT_WR))
            let reset = LoopTimer(loop) {
                // Bytes that the peer has not read make a reset of its close.
                _ = Array("too late".utf8).withUnsafeBytes { ours.write($0) }
                wire.reset()
            }
            reset.schedule(after: .milliseconds(isLate ? 400 : 20))
            return Holder((wire, reset))
        }
    }

    @Test func aFullSocketIsToldWhenItTakesBytesAndTheLoopSleepsMeanwhile() throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            try ours.start(wire)
            let block = [UInt8](repeating: 7, count: 1 << 20)
            while ours.isWritable { _ = block.withUnsafeBytes { ours.write($0) } }
            var turns = loop.turns
            let check = LoopTimer(loop) { [unowned loop] in
                turns = loop.turns - turns
                if turns > Self.maxTurns || wire.toldWritable > 0 { done("\(turns)") }
                wire.writable = { done(nil) }
                wire.drain()
            }
            check.schedule(after: .milliseconds(200))
            return Holder((wire, check))
        }
    }

    @Test func aDescriptorThatCannotBeWatchedIsRefusedAndEndsNothing() throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            // A file, which cannot be watched, and not a closed number, which another thread might get meanwhile.
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

    /// An application that closes a descriptor which it has given away, and opens a file that gets its number, does not end the
    /// process.
    @Test func aDescriptorThatHasBecomeAFileIsAFailureOfItsSocket() throws {
        try withLoop { loop, done in
            let (ours, theirs) = try Wire.pair(loop)
            let wire = Wire(ours, theirs)
            wire.broken = { done($0.code == EPERM ? nil : $0.description) }
            try ours.start(wire)
            let block = [UInt8](repeating: 7, count: 1 << 20)
            while ours.isWritable { _ = block.withUnsafeBytes { ours.write($0) } }
            // The loop has something else to ask of libuv for this socket before it waits.
            let file = open("/proc/self/exe", O_RDONLY)
            dup2(file, ours.descriptor)
            close(file)
            return wire
        }
    }

    @Test func handlesAreKeptForTheNextSocketsAndCanBeFreed() throws {
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
            wire.readable = { done(wire.readAll() == "hello" ? nil : wire.heard) }
            wire.say("hello")
            return wire
        }
    }
}

/// A socket on a loop and the bare descriptor that it is connected with.
private final class Wire: StreamSocketHandler {
    let socket: StreamSocket
    private var peer: Int32
    private(set) var toldReadable = 0
    private(set) var toldWritable = 0
    private(set) var heard = ""
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

    func say(_ text: String) {
        _ = text.withCString { write(peer, $0, text.utf8.count) }
    }

    func reset() {
        close(peer)
        peer = -1
    }

    /// Reads at the peer's end what there is.
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
        heard += text
        return text
    }

    func socketReadable(_ socket: StreamSocket) {
        toldReadable += 1
        readable()
    }

    func socketWritable(_ socket: StreamSocket) {
        toldWritable += 1
        writable()
    }

    func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) { broken(failure) }
}
