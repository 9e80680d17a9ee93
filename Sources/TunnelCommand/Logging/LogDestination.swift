import EventIO
import Platform
import Synchronization

/// The destination of log lines: a thread writes them, so that a slow or absent reader of the log holds up no stream.
///
/// The destination drops and counts lines that do not fit into a bounded queue, and lines that the system does not take. It
/// writes the number to the log as soon as it can.
final class LogDestination: Sendable {
    private struct State {
        var waiting: [UInt8] = []
        var dropped = 0
        /// The number of lines that the system did not take and that the log has not reported yet.
        var notTaken = 0
        var isOpen = true
    }

    private let state = Mutex(State())
    private let descriptor: Int32
    private let isOwned: Bool
    private let semaphore: ThreadSemaphore
    private nonisolated(unsafe) var thread: LoopThread?

    /// The largest size of the queue, in bytes: about ten thousand lines.
    ///
    /// Larger: more memory, and a slow reader gets older lines. Smaller: a short delay of the reader loses lines.
    private static let maxWaiting = 2 << 20

    /// Writes to the standard error of the process.
    convenience init() throws(SystemFailure) {
        try self.init(descriptor: STDERR_FILENO, isOwned: false)
    }

    /// Appends to a file, which is created if it does not exist.
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

    /// The number of lines that the system did not take and that the log has not reported yet.
    var lostLines: Int { state.withLock { $0.notTaken } }

    /// Queues a line; never blocks.
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

    /// Writes the queued lines and ends the thread; must be the last call.
    ///
    /// If the reader of the log is too slow, this call waits no longer than `timeout`; the remaining lines are lost when the
    /// process ends.
    ///
    /// - Returns: whether all lines were written. If not, a write may still be blocked.
    @discardableResult
    func finish(within timeout: Duration = .seconds(3)) -> Bool {
        guard let thread = ending() else { return true }
        let hasEnded = thread.join(within: timeout)
        // The thread is still writing from the memory of this object, so the object must stay.
        if !hasEnded { _ = Unmanaged.passRetained(self) }
        return hasEnded
    }

    /// Makes the thread write the queued lines and end.
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
    /// - Returns: the number of lines that the system did not take, and why; `nil` if it took all of them.
    private func put(_ bytes: [UInt8]) -> (lines: Int, reason: Int32)? {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Platform.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            if count > 0 {
                written += count
            } else if errno == EAGAIN {
                // Another process has made the shared standard error non-blocking: wait until it is writable.
                var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = Platform.poll(&poll, 1, 1000)
            } else if errno != EINTR {
                let reason = errno
                // The next text should begin on a new line.
                if written > 0, bytes[written - 1] != UInt8(ascii: "\n") {
                    _ = Platform.write(descriptor, "\n", 1)
                }
                return (bytes[written...].count { $0 == UInt8(ascii: "\n") }, reason)
            }
        }
        return nil
    }
}
