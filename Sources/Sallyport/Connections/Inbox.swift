import Synchronization

/// What has come over one connection and nobody has taken yet, the oldest first.
///
/// Several tasks may take from it; each packet goes to one of them.
public final class Inbox: Sendable {
    /// What becomes of packets that come when there is no room.
    public enum Overflow: Hashable, Sendable {
        /// The sender is slowed down, and nothing is lost: what waits is bounded by ``ConnectionOptions/window``.
        case wait
        /// The oldest of so many makes room.
        case dropOldest(capacity: Int)
        /// What comes after so many is thrown away, and its sender told if it waits for that.
        case refuse(capacity: Int)

        /// How many packets there may be, if it is packets that are counted.
        var capacity: Int? {
            switch self {
            case .wait: nil
            case .dropOldest(let capacity), .refuse(let capacity): max(1, capacity)
            }
        }
    }

    /// What waits.
    struct Entry: Sendable {
        let packet: Packet
        /// What it takes until it is out.
        let charge: HeldCredit
        /// Its place among all packets of the process, for who looks at many inboxes.
        let place: UInt64
    }

    private struct State {
        var entries = Fifo<Entry>()
        var dropped = 0
        var failure: SallyportError?
        var waiting: [UInt64: Waiter] = [:]
        var order: [UInt64] = []
        /// Those whose time was over before they began to wait.
        var late: Set<UInt64> = []
        var nextWaiter: UInt64 = 0
    }

    private struct Waiter {
        let isWanted: @Sendable (Packet) -> Bool
        let continuation: CheckedContinuation<Result<Entry, SallyportError>, Never>
    }

    private let state = Mutex(State())
    private let overflow: Overflow
    /// Called with what has left, so that the sender gets credit for as much.
    private let returned: @Sendable (HeldCredit) -> Void

    private static let places = Atomic<UInt64>(0)

    init(_ overflow: Overflow, returned: @escaping @Sendable (HeldCredit) -> Void) {
        self.overflow = overflow
        self.returned = returned
    }

    /// How many packets wait.
    public var count: Int { state.withLock { $0.entries.count } }

    /// How many packets were thrown away because there was no room.
    public var droppedCount: Int { state.withLock { $0.dropped } }

    /// The packet at a place, 0 for the oldest, without taking it; `nil` when there are not so many.
    public subscript(index: Int) -> Packet? {
        state.withLock { $0.entries[index]?.packet }
    }

    /// Takes the oldest packet, if there is one.
    public func takeOldest() -> Packet? {
        take { $0.entries.removeFirst() }
    }

    /// Takes the newest packet, if there is one.
    public func takeNewest() -> Packet? {
        take { $0.entries.removeLast() }
    }

    /// Takes the next packet, waiting for it.
    ///
    /// Throws ``SallyportError/Code/timeout``, ``SallyportError/Code/closed`` when the connection is over and nothing is left,
    /// or ``SallyportError/Code/cancelled``.
    public func next(timeout: Duration? = nil) async throws(SallyportError) -> Packet {
        try await next(timeout: timeout) { _ in true }
    }

    /// Takes the next packet about `action`, waiting for it, and leaves all others where they are.
    public func next(_ action: String, timeout: Duration? = nil) async throws(SallyportError) -> Packet {
        try await next(timeout: timeout) { $0.action == action }
    }

    private func take(_ choose: (inout State) -> Entry?) -> Packet? {
        guard let entry = state.withLock({ choose(&$0) }) else { return nil }
        returned(entry.charge)
        return entry.packet
    }

    private func next(
        timeout: Duration?,
        where isWanted: @escaping @Sendable (Packet) -> Bool
    ) async throws(SallyportError) -> Packet {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let alarm = timeout.map { timeout in
            Task {
                guard (try? await Task.sleep(for: timeout)) != nil else { return }
                self.give(up: id, SallyportError(.timeout, "nothing came within \(timeout)"))
            }
        }
        defer {
            alarm?.cancel()
            _ = state.withLock { $0.late.remove(id) }
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let result = state.withLock { state -> Result<Entry, SallyportError>? in
                    if let entry = state.entries.removeFirst(where: { isWanted($0.packet) }) {
                        return .success(entry)
                    }
                    if let failure = state.failure { return .failure(failure) }
                    if Task.isCancelled { return .failure(.cancelled) }
                    if state.late.contains(id) {
                        return .failure(SallyportError(.timeout, "nothing came in time"))
                    }
                    state.waiting[id] = Waiter(isWanted: isWanted, continuation: continuation)
                    state.order.append(id)
                    return nil
                }
                if let result { continuation.resume(returning: result) }
            }
        } onCancel: {
            give(up: id, .cancelled)
        }
        let entry = try result.get()
        returned(entry.charge)
        return entry.packet
    }

    private func give(up id: UInt64, _ failure: SallyportError) {
        let waiter = state.withLock { state in
            state.order.removeAll { $0 == id }
            let waiter = state.waiting.removeValue(forKey: id)
            if waiter == nil { state.late.insert(id) }
            return waiter
        }
        waiter?.continuation.resume(returning: .failure(failure))
    }
}

// MARK: - What the connection puts in

extension Inbox {
    /// What became of a packet.
    enum Arrival {
        case taken
        /// The charge is still the caller's.
        case refused
    }

    /// A packet has come.
    func put(_ packet: Packet, _ charge: HeldCredit) -> Arrival {
        let place = Self.places.add(1, ordering: .relaxed).newValue
        let entry = Entry(packet: packet, charge: charge, place: place)
        var gone = HeldCredit.none
        let (waiter, arrival) = state.withLock { state -> (Waiter?, Arrival) in
            if let id = state.order.first(where: { state.waiting[$0]?.isWanted(packet) ?? false }) {
                state.order.removeAll { $0 == id }
                return (state.waiting.removeValue(forKey: id), .taken)
            }
            if let capacity = overflow.capacity, state.entries.count >= capacity {
                state.dropped += 1
                guard case .dropOldest = overflow else {
                    return (nil, .refused)
                }
                gone = state.entries.removeFirst()?.charge ?? .none
            }
            state.entries.append(entry)
            return (nil, .taken)
        }
        waiter?.continuation.resume(returning: .success(entry))
        returned(gone)
        return arrival
    }

    /// Nothing more will come; what there is can still be taken.
    func end(_ failure: SallyportError) {
        let waiting = state.withLock { state in
            state.failure = state.failure ?? failure
            defer {
                state.waiting = [:]
                state.order = []
            }
            return state.waiting
        }
        for waiter in waiting.values { waiter.continuation.resume(returning: .failure(failure)) }
    }

    /// The place of the oldest packet among all of the process.
    var oldestPlace: UInt64? { state.withLock { $0.entries[0]?.place } }

    /// The place of the newest packet among all of the process.
    var newestPlace: UInt64? { state.withLock { $0.entries[$0.entries.count - 1]?.place } }
}

// MARK: - As a sequence

/// The packets of a connection, as they come, until it is over.
public struct Packets: AsyncSequence, Sendable {
    let inbox: Inbox

    /// Takes packets one by one.
    public struct Iterator: AsyncIteratorProtocol {
        let inbox: Inbox

        /// The next packet; `nil` when the connection is over, or the task cancelled.
        public mutating func next() async -> Packet? { try? await inbox.next() }

        /// The next packet; `nil` when the connection is over, or the task cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(Never) -> Packet? {
            try? await inbox.next()
        }
    }

    /// Begins.
    public func makeAsyncIterator() -> Iterator { Iterator(inbox: inbox) }
}
