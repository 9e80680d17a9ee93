import Basics
import Synchronization
import WireCoding

/// What waits to be sent on a stream: any task puts items or bytes in, the loop takes bytes out.
///
/// Who puts in more than fits waits until there is room: that is how a slow receiver slows its sender.
final class Outbox: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var head = 0
        /// Whether the loop knows that there is something.
        var isSignalled = false
        var isFinishing = false
        var failure: SallyportError?
        var waiting: [UInt64: CheckedContinuation<SallyportError?, Never>] = [:]
        var order: [UInt64] = []
        var nextWaiter: UInt64 = 0
        /// Requests that go when there is room, unless they are withdrawn.
        var deferred: [Item] = []

        var count: Int { bytes.count - head }
    }

    private let state = Mutex(State())
    private let wake: @Sendable () -> Void

    /// More would be memory for receivers that do not read; less would let a fast one wait for tasks.
    private static let capacity = 256 << 10
    /// What is kept for the next burst.
    private static let keptCapacity = 16 << 10

    /// `wake` is called, on any thread, when there is something to take again.
    init(wake: @escaping @Sendable () -> Void) {
        self.wake = wake
    }

    /// Puts an item in, when there is room.
    func send(_ item: Item) async throws(SallyportError) {
        try await put { item.append(to: &$0) }
    }

    /// Puts an item in, whether there is room or not: for what is as many as something else that is bounded.
    ///
    /// - Returns: how many bytes wait now.
    @discardableResult
    func sendAtOnce(_ item: Item) -> Int {
        _ = offer(evenIfFull: true) { item.append(to: &$0) }
        return state.withLock { $0.count }
    }

    /// The same on the loop's own thread, which need not be woken.
    ///
    /// - Returns: how many bytes wait now, and whether the loop has to look for them.
    func sendOnLoop(_ item: Item) -> (count: Int, isFirst: Bool) {
        state.withLock { state in
            guard state.failure == nil else { return (0, false) }
            item.append(to: &state.bytes)
            defer { state.isSignalled = true }
            return (state.count, !state.isSignalled)
        }
    }

    /// Puts an item in when there is room, without waiting for that.
    func sendLater(_ item: Item) {
        let isFull = state.withLock { state in
            guard state.count >= Self.capacity, state.failure == nil else { return false }
            state.deferred.append(item)
            return true
        }
        if !isFull { sendAtOnce(item) }
    }

    /// Whether there is room.
    var hasSpace: Bool { state.withLock { $0.count < Self.capacity } }

    /// Whether somebody waits for room: until half of it is free, so that not every byte that leaves wakes a task.
    var isAwaited: Bool { state.withLock { !$0.waiting.isEmpty } }

    /// Takes back what has not been put in.
    ///
    /// - Returns: whether it was there.
    func withdraw(_ number: UInt64) -> Bool {
        state.withLock { state in
            guard let index = state.deferred.firstIndex(where: { $0.number == number }) else { return false }
            state.deferred.remove(at: index)
            return true
        }
    }

    /// Puts bytes in, as there is room for them.
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

    /// Waits until there is room.
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

    /// Nothing more will be put in: the lane ends when what there is has been taken.
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

    /// Whether nothing more will be put in.
    var isFinishing: Bool { state.withLock { $0.isFinishing } }

    /// Who puts something in from now on gets this error, and so does who waits.
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

    /// Takes as many bytes as there are and fit; called by the loop.
    ///
    /// What follows is `.finished` once, after the last byte of an outbox that is finishing.
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

    /// What follows what was taken.
    enum Rest {
        case more
        case drained
        case finished
    }
}
