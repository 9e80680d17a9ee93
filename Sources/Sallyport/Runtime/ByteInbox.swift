import Synchronization

/// Bytes that have come and that one task reads: the loop puts them in.
///
/// What waits is bounded by who tells the other end how much it may send, which goes by ``unread`` and what was taken.
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

    /// What is kept of a buffer that is empty.
    private static let keptCapacity = 16 << 10
    /// So much that was read is moved away before more is put in.
    private static let maxRead = 1 << 20

    private let state = Mutex(State())
    /// Called with how many bytes were taken, on the task that has.
    private let taken: @Sendable (Int) -> Void

    init(taken: @escaping @Sendable (Int) -> Void) {
        self.taken = taken
    }

    /// How many bytes wait.
    var unread: Int { state.withLock { $0.count } }

    /// Takes what there is, at least one byte and `most` at most, waiting for it; `nil` is the end.
    func read(atMost most: Int) async throws(SallyportError) -> [UInt8]? {
        while true {
            // Before what there is: who is cancelled because of a failure is told the failure.
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

    // MARK: What the loop tells

    func arrived(_ bytes: UnsafeRawBufferPointer) {
        change { state in
            if state.head > Self.maxRead {
                state.bytes.removeFirst(state.head)
                state.head = 0
            }
            state.bytes.append(contentsOf: bytes)
        }
    }

    /// Nothing more will come.
    func ended() {
        change { $0.isAtEnd = true }
    }

    /// Nothing more will come, and that is no end; what has come can still be read.
    func failed(_ failure: SallyportError) {
        change { $0.failure = $0.failure ?? failure }
    }

    /// Nothing more will come, and what has come is thrown away: from now on nobody counts it.
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
