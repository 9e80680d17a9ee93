import EventIO
import Platform
import Synchronization

/// Where lines of the log go, written by a thread of its own: whoever reads them slowly, or not at all, holds up no stream.
///
/// What does not fit into a bounded queue is dropped and counted, and so is what the system does not take; the log says so as
/// soon as it can.
final class LogDestination: Sendable {
    private struct State {
        var waiting: [UInt8] = []
        var dropped = 0
        /// Lines that the system has not taken, which nobody was told of yet.
        var notTaken = 0
        var isOpen = true
    }

    private let state = Mutex(State())
    private let descriptor: Int32
    private let isOwned: Bool
    private let semaphore: ThreadSemaphore
    private nonisolated(unsafe) var thread: LoopThread?

    /// Lines that wait: some ten thousand.
    ///
    /// More would only be older when they are read.
    private static let maxWaiting = 2 << 20

    /// The standard error of the process.
    convenience init() throws(SystemFailure) {
        try self.init(descriptor: STDERR_FILENO, isOwned: false)
    }

    /// The end of a file, which is made if there is none.
    convenience init(file path: String) throws(SystemFailure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw SystemFailure("open", path, code: errno) }
        try self.init(descriptor: descriptor, isOwned: true)
    }

    init(descriptor: Int32, isOwned: Bool) throws(SystemFailure) {
        self.descriptor = descriptor
        self.isOwned = isOwned
        semaphore = ThreadSemaphore()
        thread = try LoopThread(name: "sly-log") { [unowned self] in work() }
    }

    deinit {
        ending()?.join()
        if isOwned { close(descriptor) }
    }

    /// Lines that the system has not taken and the log has not told of yet.
    var lostLines: Int { state.withLock { $0.notTaken } }

    /// Takes a line; never waits.
    func write(_ line: String) {
        let isFirst = state.withLock { state in
            guard state.waiting.count < Self.maxWaiting else {
                state.dropped += 1
                return false
            }
            let isFirst = state.waiting.isEmpty
            state.waiting.append(contentsOf: line.utf8)
            state.waiting.append(UInt8(ascii: "\n"))
            return isFirst
        }
        if isFirst { semaphore.post() }
    }

    /// Writes what waits and ends the thread: the last call.
    ///
    /// A log that is not read fast enough gets `abuseBudget`; what it has not taken then is lost with the process.
    ///
    /// - Returns: whether it has taken everything. If not, a write to it may still be waiting.
    @discardableResult
    func finish(within abuseBudget: Duration = .seconds(3)) -> Bool {
        guard let thread = ending() else { return true }
        let hasEnded = thread.join(within: abuseBudget)
        // The thread is still writing: what it writes from has to stay.
        if !hasEnded { _ = Unmanaged.passRetained(self) }
        return hasEnded
    }

    /// Tells the thread to write what waits and to end.
    private func ending() -> LoopThread? {
        defer { thread = nil }
        state.withLock { $0.isOpen = false }
        semaphore.post()
        return thread
    }

    private func work() {
        var reason: Int32 = 0
        while true {
            semaphore.wait()
            let (bytes, dropped, isOpen) = state.withLock { state in
                let taken = (state.waiting, state.dropped, state.isOpen)
                state.waiting = []
                state.dropped = 0
                return taken
            }
            let notTaken = lostLines
            if notTaken > 0, !bytes.isEmpty || !isOpen,
                put("… \(notTaken) lines were lost: \(String(cString: strerror(reason)))\n") == nil
            {
                state.withLock { $0.notTaken = 0 }
            }
            if let loss = put(bytes) {
                reason = loss.reason
                state.withLock { $0.notTaken += loss.lines }
            }
            if dropped > 0, let loss = put("… \(dropped) lines were lost: the log is not read\n") {
                reason = loss.reason
                state.withLock { $0.notTaken += dropped }
            }
            if !isOpen, bytes.isEmpty { return }
            if !isOpen { semaphore.post() }
        }
    }

    private func put(_ text: String) -> (lines: Int, reason: Int32)? { put(Array(text.utf8)) }

    /// Writes lines.
    ///
    /// - Returns: how many of them the system did not take, and why; `nil` when it took them all.
    private func put(_ bytes: [UInt8]) -> (lines: Int, reason: Int32)? {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Platform.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            if count > 0 {
                written += count
            } else if errno == EAGAIN {
                // Somebody made our standard error non-blocking: wait until it takes more.
                var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = Platform.poll(&poll, 1, 1000)
            } else if errno != EINTR {
                let reason = errno
                // What follows begins a line of its own, if it can.
                if written > 0, bytes[written - 1] != UInt8(ascii: "\n") {
                    _ = Platform.write(descriptor, "\n", 1)
                }
                return (bytes[written...].count { $0 == UInt8(ascii: "\n") }, reason)
            }
        }
        return nil
    }
}
