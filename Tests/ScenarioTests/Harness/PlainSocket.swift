import Glibc

/// The end of a stream, as a reader sees it.
enum ReadEnd: Equatable {
    /// The other side sent a FIN.
    case end
    /// The other side sent an RST.
    case reset
}

/// The scenario's end of a plain connection, as an application has it.
///
/// Every call blocks for at most ``Waiting/timeout``.
final class PlainSocket: @unchecked Sendable {
    // Changed only by `close`; a scenario uses a connection from one thread at a time.
    private var descriptor: Int32

    init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        var timeout = timeval(tv_sec: Int(Waiting.timeout.components.seconds), tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, size)
        // A child process must not inherit the descriptor.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit {
        close()
    }

    /// Connects to an address.
    convenience init(to address: PlainAddress) throws {
        let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw ScenarioFailure("socket: errno \(errno)") }
        self.init(adopting: descriptor)
        guard address.withSocketAddress({ connect(descriptor, $0, $1) }) == 0 else {
            throw ScenarioFailure("connect \(address): \(String(cString: strerror(errno)))")
        }
    }

    /// Writes all bytes.
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

    /// Reads the available bytes, at most `count`; none at the end of the stream.
    func readSome(atMost count: Int = 65536) throws(ReadFailure) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let got = recv(descriptor, &buffer, count, 0)
        guard got >= 0 else { throw ReadFailure(code: errno) }
        return Array(buffer[..<got])
    }

    /// Reads exactly `count` bytes.
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

    /// Reads until the stream ends or is reset.
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

    /// Waits for a reset that arrives after the end of the stream, which no read reports.
    func waitForReset() throws {
        var entry = pollfd(fd: descriptor, events: 0, revents: 0)
        let timeout = Int32(Waiting.timeout.components.seconds * 1000)
        // A reset connection has an error; a connection whose two directions have ended has none.
        guard poll(&entry, 1, timeout) == 1, entry.revents & Int16(POLLERR) != 0 else {
            throw ScenarioFailure("the connection was not reset")
        }
    }

    /// Whether bytes, an end or an error can be read now or within this number of milliseconds.
    func isReadable(within milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) == 1
    }

    /// Sends FIN; bytes from the other side can still be read.
    func finish() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Stops reading; a thread that waits for bytes gets the end of the stream.
    ///
    /// The other side notices nothing.
    func stopReading() {
        shutdown(descriptor, Int32(SHUT_RD))
    }

    /// Closes the connection with an RST.
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

    /// Switches off Nagle's algorithm, so that small writes are sent at once.
    func sendAtOnce() {
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Limits the system's receive buffer to this number of bytes.
    func limitReceiveBuffer(_ bytes: Int32) {
        var bytes = bytes
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }
}

/// The error of a failed read.
struct ReadFailure: Error, CustomStringConvertible {
    let code: Int32

    var description: String { "read: \(String(cString: strerror(code)))" }
}
