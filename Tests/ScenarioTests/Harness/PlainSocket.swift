import Glibc

/// How far a read came.
enum ReadEnd: Equatable {
    /// The other side sent its end: a FIN.
    case end
    /// The connection was reset: an RST.
    case reset
}

/// A connection of an application, without any tunnel in it: the scenario's own end of it.
///
/// Every call waits, for as long as ``Waiting/abuseBudget`` and no longer.
final class PlainSocket: @unchecked Sendable {
    // Written when it is closed only; a scenario uses one connection from one thread at a time.
    private var descriptor: Int32

    init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        var abuseBudget = timeval(tv_sec: Int(Waiting.abuseBudget.components.seconds), tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &abuseBudget, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &abuseBudget, size)
        // A program that is started meanwhile must not keep it open.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit {
        close()
    }

    /// Connects.
    convenience init(to address: PlainAddress) throws {
        let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw ScenarioFailure("socket: errno \(errno)") }
        self.init(adopting: descriptor)
        guard address.withSocketAddress({ connect(descriptor, $0, $1) }) == 0 else {
            throw ScenarioFailure("connect \(address): \(String(cString: strerror(errno)))")
        }
    }

    /// Writes all of it.
    func write(_ bytes: some Sequence<UInt8>) throws {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw ScenarioFailure("write: \(String(cString: strerror(errno)))") }
            rest = rest.dropFirst(count)
        }
    }

    func write(_ text: String) throws {
        try write(text.utf8)
    }

    /// Reads as many bytes as there are, at most so many; none at the end of the stream.
    func readSome(atMost count: Int = 65536) throws(ReadFailure) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let got = recv(descriptor, &buffer, count, 0)
        guard got >= 0 else { throw ReadFailure(code: errno) }
        return Array(buffer[..<got])
    }

    /// Reads exactly so many bytes.
    func read(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let some = try readSome(atMost: min(count - bytes.count, 1 << 18))
            guard !some.isEmpty else {
                throw ScenarioFailure("the stream ended after \(bytes.count) of \(count) bytes")
            }
            bytes += some
        }
        return bytes
    }

    /// Reads until the stream ends, in whatever way.
    func readToEnd() throws -> (bytes: [UInt8], end: ReadEnd) {
        var bytes: [UInt8] = []
        while true {
            do {
                let some = try readSome()
                guard !some.isEmpty else { return (bytes, .end) }
                bytes += some
            } catch {
                guard error.code == ECONNRESET else { throw error }
                return (bytes, .reset)
            }
        }
    }

    /// Waits for a reset that comes after the end, which no read tells.
    func waitForReset() throws {
        var entry = pollfd(fd: descriptor, events: 0, revents: 0)
        let abuseBudget = Int32(Waiting.abuseBudget.components.seconds * 1000)
        // A connection that was reset is in error; one whose two directions have merely ended is not.
        guard poll(&entry, 1, abuseBudget) == 1, entry.revents & Int16(POLLERR) != 0 else {
            throw ScenarioFailure("the connection was not reset")
        }
    }

    /// Whether there are bytes to read, an end or an error, now or within so many milliseconds.
    func hasNews(within milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) == 1
    }

    /// Sends the end; what comes from the other side can still be read.
    func finish() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Reads nothing any more; whoever waits for bytes gets the end.
    ///
    /// The other side is not told.
    func stopReading() {
        shutdown(descriptor, Int32(SHUT_RD))
    }

    /// Closes it so that the other side gets an RST.
    func reset() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }

    func close() {
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        descriptor = -1
    }

    /// Small writes leave at once.
    func sendAtOnce() {
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Takes at most so many bytes in the system's buffers before they are read.
    func limitReceiveBuffer(_ bytes: Int32) {
        var bytes = bytes
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }
}

/// Why nothing could be read.
struct ReadFailure: Error, CustomStringConvertible {
    let code: Int32

    var description: String { "read: \(String(cString: strerror(code)))" }
}
