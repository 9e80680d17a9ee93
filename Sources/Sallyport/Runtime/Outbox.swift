import Basics
import Synchronization
import WireCoding

/// The bytes that wait to be sent on a stream: any task puts items or bytes in, and the loop takes bytes out.
///
/// When the outbox is full, a task that puts something in waits for space. So a slow receiver slows its sender down.
final class Outbox: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var head = 0
        /// Whether the loop has been notified of bytes to send.
        var isSignalled = false
        var isFinishing = false
        var failure: SallyportError?
        var waiting: [UInt64: CheckedContinuation<SallyportError?, Never>] = [:]
        var order: [UInt64] = []
        var nextWaiter: UInt64 = 0
        /// The requests to put in when there is space, unless they are withdrawn.
        var deferred: [Item] = []

        var count: Int { bytes.count - head }
    }

    private let state = Mutex(State())
    private let wake: @Sendable () -> Void

    /// The capacity, in bytes.
    ///
    /// Larger: more memory for receivers that do not read. Smaller: a fast receiver waits for tasks.
    private static let capacity = 256 << 10
    /// The largest capacity that an empty buffer keeps for the next burst, in bytes.
    ///
    /// Larger: idle streams keep more memory. Smaller: every burst allocates again.
    private static let keptCapacity = 16 << 10

    /// Creates an empty outbox; it calls `wake`, on any thread, when it has bytes again after it was empty.
    init(wake: @escaping @Sendable () -> Void) {
        self.wake = wake
    }

    /// Puts in an item; waits for space.
    func send(_ item: Item) async throws(SallyportError) {
        try await put { item.append(to: &$0) }
    }

    /// Puts in an item even if there is no space; only for items whose number is limited by something else.
    ///
    /// - Returns: the number of bytes that wait.
    @discardableResult
    func sendAtOnce(_ item: Item) -> Int {
        _ = offer(evenIfFull: true) { item.append(to: &$0) }
        return state.withLock { $0.count }
    }

    /// Puts in an item even if there is no space, on the loop's own thread, which needs no wake-up.
    ///
    /// - Returns: the number of bytes that wait, and whether the caller has to notify the stream.
    func sendOnLoop(_ item: Item) -> (count: Int, isFirst: Bool) {
        state.withLock { state in
            guard state.failure == nil else { return (0, false) }
            item.append(to: &state.bytes)
            defer { state.isSignalled = true }
            return (state.count, !state.isSignalled)
        }
    }

    /// Puts in an item now, or later when there is space; the caller does not wait.
    func sendLater(_ item: Item) {
        let isFull = state.withLock { state in
            guard state.count >= Self.capacity, state.failure == nil else { return false }
            state.deferred.append(item)
            return true
        }
        if !isFull { sendAtOnce(item) }
    }

    /// Whether there is space.
    var hasSpace: Bool { state.withLock { $0.count < Self.capacity } }

    /// Whether a task waits for space.
    ///
    /// Waiting tasks continue only when half of the space is free, so that the loop does not wake a task each time it sends a few
    /// bytes.
    var isAwaited: Bool { state.withLock { !$0.waiting.isEmpty } }

    /// Removes an item that still waits for space.
    ///
    /// - Returns: whether there was one.
    func withdraw(_ number: UInt64) -> Bool {
        state.withLock { state in
            guard let index = state.deferred.firstIndex(where: { $0.number == number }) else { return false }
            state.deferred.remove(at: index)
            return true
        }
    }

    /// Puts in bytes, in parts; waits for space for each part.
    func write(_ bytes: [UInt8]) async throws(SallyportError) {
        var rest = bytes[...]
        repeat {
            let part = rest.prefix(Self.capacity)
            rest = rest.dropFirst(part.count)
            try await put { $0.append(contentsOf: part) }
        } while !rest.isEmpty
    }

    private func put(_ append: (inout [UInt8]) -> Void) async throws(SallyportError) {
        while true {
            switch offer(append) {
            case .success(true): return
            case .success(false): try await waitForSpace()
            case .failure(let failure): throw failure
            }
        }
    }

    private func offer(
        evenIfFull: Bool = false,
        _ append: (inout [UInt8]) -> Void
    ) -> Result<Bool, SallyportError> {
        var isFirst = false
        let result = state.withLock { state -> Result<Bool, SallyportError> in
            if let failure = state.failure { return .failure(failure) }
            guard state.count < Self.capacity || evenIfFull else { return .success(false) }
            append(&state.bytes)
            isFirst = !state.isSignalled
            state.isSignalled = true
            return .success(true)
        }
        if isFirst { wake() }
        return result
    }

    /// Waits for space.
    func waitForSpace() async throws(SallyportError) {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let failure = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (waits, failure) = state.withLock { state -> (Bool, SallyportError?) in
                    if let failure = state.failure { return (false, failure) }
                    if state.count < Self.capacity { return (false, nil) }
                    if Task.isCancelled { return (false, .cancelled) }
                    state.waiting[id] = continuation
                    state.order.append(id)
                    return (true, nil)
                }
                if !waits { continuation.resume(returning: failure) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.order.removeAll { $0 == id }
                return state.waiting.removeValue(forKey: id)
            }
            continuation?.resume(returning: .cancelled)
        }
        if let failure { throw failure }
    }

    /// Finishes the outbox: nothing more can be put in, and the stream ends after the bytes that wait.
    func finish(_ failure: SallyportError) {
        let isFirst = state.withLock { state in
            guard state.failure == nil else { return false }
            state.isFinishing = true
            defer { state.isSignalled = true }
            return !state.isSignalled
        }
        if isFirst { wake() }
        fail(failure)
    }

    /// Whether the outbox is finishing, so that nothing more can be put in.
    var isFinishing: Bool { state.withLock { $0.isFinishing } }

    /// Fails the outbox: all calls that put something in, waiting or later ones, throw this error.
    func fail(_ failure: SallyportError) {
        let waiting = state.withLock { state in
            state.failure = state.failure ?? failure
            defer {
                state.waiting = [:]
                state.order = []
                state.deferred = []
            }
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume(returning: failure) }
    }

    /// Takes as many waiting bytes as fit into `segments`; called by the loop.
    ///
    /// `rest` is `.finished` once, with the last byte of an outbox that is finishing.
    func take(into segments: UnsafeMutableBufferPointer<MemorySegment>) -> (count: Int, rest: Rest) {
        var ready: [CheckedContinuation<SallyportError?, Never>] = []
        let result = state.withLock { state -> (Int, Rest) in
            var taken = 0
            for segment in segments {
                let count = min(segment.count, state.count)
                guard count > 0, let base = segment.base else { break }
                state.bytes.withUnsafeBytes { bytes in
                    UnsafeMutableRawBufferPointer(start: base, count: count)
                        .copyMemory(
                            from: UnsafeRawBufferPointer(rebasing: bytes[state.head..<state.head + count])
                        )
                }
                state.head += count
                taken += count
            }
            if state.count < Self.capacity / 2, !state.deferred.isEmpty {
                var moved = 0
                while moved < state.deferred.count, state.count < Self.capacity {
                    state.deferred[moved].append(to: &state.bytes)
                    moved += 1
                }
                state.deferred.removeFirst(moved)
            }
            if state.count == 0 {
                state.bytes.removeAll(keepingCapacity: state.bytes.capacity <= Self.keptCapacity)
                state.head = 0
                state.isSignalled = false
            }
            if state.head > Self.capacity {
                state.bytes.removeFirst(state.head)
                state.head = 0
            }
            if state.count < Self.capacity / 2 {
                for id in state.order {
                    if let continuation = state.waiting.removeValue(forKey: id) { ready.append(continuation) }
                }
                state.order.removeAll()
            }
            guard state.count == 0 else { return (taken, .more) }
            return (taken, state.isFinishing ? .finished : .drained)
        }
        for continuation in ready { continuation.resume(returning: nil) }
        return result
    }

    /// The state of the outbox after bytes were taken.
    enum Rest {
        case more
        case drained
        case finished
    }
}
