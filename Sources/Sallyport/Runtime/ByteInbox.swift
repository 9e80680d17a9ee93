import Synchronization

/// Received bytes: the loop puts them in, and one task reads them.
///
/// The inbox has no limit of its own. Its owner limits it by the credit that it gives the other end, which depends on
/// ``unread`` and on the bytes taken.
final class ByteInbox: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var head = 0
        var isAtEnd = false
        var failure: SallyportError?
        var waiting: (id: UInt64, continuation: CheckedContinuation<Bool, Never>)?
        var nextWaiter: UInt64 = 0

        var count: Int { bytes.count - head }
    }

    /// The maximum capacity that an empty buffer keeps, in bytes.
    ///
    /// Larger: idle streams keep more memory. Smaller: every burst allocates again.
    private static let keptCapacity = 16 << 10
    /// The number of read bytes at the front of the buffer above which they are removed before new bytes are appended.
    private static let maxRead = 1 << 20

    private let state = Mutex(State())
    /// Called with the number of bytes taken, on the task that took them.
    private let taken: @Sendable (Int) -> Void

    init(taken: @escaping @Sendable (Int) -> Void) {
        self.taken = taken
    }

    /// The number of bytes that have not been read.
    var unread: Int { state.withLock { $0.count } }

    /// Takes the available bytes, 1 to `most`; waits until there are some, and returns `nil` at the end.
    func read(atMost most: Int) async throws(SallyportError) -> [UInt8]? {
        while true {
            // Read before the state: if the stream's failure has cancelled the task, the task must get that failure.
            let isCancelled = Task.isCancelled
            let (bytes, isAtEnd, failure) = state.withLock { state -> ([UInt8], Bool, SallyportError?) in
                let count = min(max(1, most), state.count)
                guard count > 0 else { return ([], state.isAtEnd, state.failure) }
                let bytes = Array(state.bytes[state.head..<state.head + count])
                state.head += count
                if state.count == 0 {
                    state.bytes.removeAll(keepingCapacity: state.bytes.capacity <= Self.keptCapacity)
                    state.head = 0
                }
                return (bytes, false, nil)
            }
            if !bytes.isEmpty {
                taken(bytes.count)
                return bytes
            }
            if isAtEnd { return nil }
            if let failure { throw failure }
            if isCancelled { throw .cancelled }
            try await waitForBytes()
        }
    }

    private func waitForBytes() async throws(SallyportError) {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let isSecond = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (waits, isSecond) = state.withLock { state in
                    guard state.count == 0, !state.isAtEnd, state.failure == nil, !Task.isCancelled
                    else { return (false, false) }
                    guard state.waiting == nil else { return (false, true) }
                    state.waiting = (id, continuation)
                    return (true, false)
                }
                if !waits { continuation.resume(returning: isSecond) }
            }
        } onCancel: {
            let waiting = state.withLock { state -> CheckedContinuation<Bool, Never>? in
                guard state.waiting?.id == id else { return nil }
                defer { state.waiting = nil }
                return state.waiting?.continuation
            }
            waiting?.resume(returning: false)
        }
        if isSecond { throw SallyportError(.invalidArgument, "another task reads this stream") }
    }

    // MARK: Events from the loop

    func arrived(_ bytes: UnsafeRawBufferPointer) {
        change { state in
            if state.head > Self.maxRead {
                state.bytes.removeFirst(state.head)
                state.head = 0
            }
            state.bytes.append(contentsOf: bytes)
        }
    }

    /// Ends the stream: no more bytes arrive.
    func ended() {
        change { $0.isAtEnd = true }
    }

    /// Ends the stream with an error: no more bytes arrive, but received ones can still be read.
    func failed(_ failure: SallyportError) {
        change { $0.failure = $0.failure ?? failure }
    }

    /// Ends the stream with an error and discards received bytes, which no limit counts any more.
    func dropped(_ failure: SallyportError) {
        change { state in
            state.bytes = []
            state.head = 0
            state.isAtEnd = false
            state.failure = state.failure ?? failure
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let waiting = state.withLock { state in
            body(&state)
            defer { state.waiting = nil }
            return state.waiting?.continuation
        }
        waiting?.resume(returning: false)
    }
}
