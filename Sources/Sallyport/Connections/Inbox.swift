import DequeModule
import Synchronization

/// The received packets of one connection that no handler takes, the oldest first.
///
/// Several tasks may take packets; each packet goes to one of them.
public final class Inbox: Sendable {
    /// The treatment of packets that arrive when the inbox is full.
    public enum Overflow: Hashable, Sendable {
        /// The sender slows down and nothing is lost; ``ConnectionOptions/window`` limits the inbox.
        case wait
        /// The oldest packet is dropped when `capacity` packets wait.
        case dropOldest(capacity: Int)
        /// A new packet is dropped when `capacity` packets wait; a sender that waits for confirmation gets an error.
        case refuse(capacity: Int)

        /// The maximum number of packets, or `nil` if only bytes are limited.
        var capacity: Int? {
            switch self {
            case .wait: nil
            case .dropOldest(let capacity), .refuse(let capacity): max(1, capacity)
            }
        }
    }

    /// A packet in the inbox.
    struct Entry: Sendable {
        let packet: Packet
        /// The credit that the packet holds until it is taken.
        let charge: HeldCredit
        /// The packet's position among all packets of the process, to compare several inboxes.
        let place: UInt64
    }

    private struct State {
        var entries = Deque<Entry>()
        var dropped = 0
        var failure: SallyportError?
        var waiting: [UInt64: Waiter] = [:]
        var order: [UInt64] = []
        /// The calls whose time limit passed before they began to wait.
        var late: Set<UInt64> = []
        var nextWaiter: UInt64 = 0
        /// The largest number of entries since the queue last gave back its memory.
        var peak = 0

        /// Gives back the memory of a burst if the last entry was taken; returns `entry`.
        mutating func taken(_ entry: Entry?) -> Entry? {
            if entries.isEmpty, peak > Inbox.burst {
                entries = []
                peak = 0
            }
            return entry
        }
    }

    /// The size of a queue, in entries, above which it gives back its memory when it is empty.
    ///
    /// Larger: an idle connection keeps more memory. Smaller: every burst allocates again.
    private static let burst = 64

    private struct Waiter {
        let isWanted: @Sendable (Packet) -> Bool
        let continuation: CheckedContinuation<Result<Entry, SallyportError>, Never>
    }

    private let state = Mutex(State())
    private let overflow: Overflow
    /// Called with the credit of a packet that has left the inbox, so that the sender gets it back.
    private let returned: @Sendable (HeldCredit) -> Void

    private static let places = Atomic<UInt64>(0)

    init(_ overflow: Overflow, returned: @escaping @Sendable (HeldCredit) -> Void) {
        self.overflow = overflow
        self.returned = returned
    }

    /// The number of packets in the inbox.
    public var count: Int { state.withLock { $0.entries.count } }

    /// The number of packets that were dropped because the inbox was full.
    public var droppedCount: Int { state.withLock { $0.dropped } }

    /// The packet at a position, 0 for the oldest, without taking it; `nil` if there is none.
    public subscript(index: Int) -> Packet? {
        state.withLock { $0.entries.indices.contains(index) ? $0.entries[index].packet : nil }
    }

    /// Takes the oldest packet, if there is one.
    public func takeOldest() -> Packet? {
        take { $0.taken($0.entries.popFirst()) }
    }

    /// Takes the newest packet, if there is one.
    public func takeNewest() -> Packet? {
        take { $0.taken($0.entries.popLast()) }
    }

    /// Takes the oldest packet; waits until there is one.
    ///
    /// Throws ``SallyportError/Code/timeout``, ``SallyportError/Code/cancelled``, or, when the inbox is empty, the reason why the
    /// connection is over.
    public func next(timeout: Duration? = nil) async throws(SallyportError) -> Packet {
        try await next(timeout: timeout) { _ in true }
    }

    /// Takes the oldest packet about `action` and leaves all others; waits until there is one.
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
                    if let entry = state.entries.popFirst(where: { isWanted($0.packet) }) {
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

// MARK: - Interface to the connection

extension Inbox {
    /// The result of ``put(_:_:)``.
    enum Arrival {
        case taken
        /// The caller still owns the packet's credit.
        case refused
    }

    /// Puts in a packet that has arrived, or gives it to a call that waits for it.
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
                gone = state.entries.popFirst()?.charge ?? .none
            }
            state.entries.append(entry)
            state.peak = max(state.peak, state.entries.count)
            return (nil, .taken)
        }
        waiter?.continuation.resume(returning: .success(entry))
        returned(gone)
        return arrival
    }

    /// Ends the inbox: no more packets arrive, but packets in it can still be taken.
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

    /// The position of the oldest packet among all packets of the process.
    var oldestPlace: UInt64? { state.withLock { $0.entries.first?.place } }

    /// The position of the newest packet among all packets of the process.
    var newestPlace: UInt64? { state.withLock { $0.entries.last?.place } }
}

// MARK: - The inbox as a sequence

/// The packets of a connection, as they arrive, until the connection is over.
public struct Packets: AsyncSequence, Sendable {
    let inbox: Inbox

    /// Takes packets one by one.
    public struct Iterator: AsyncIteratorProtocol {
        let inbox: Inbox

        /// Returns the next packet, or `nil` when the connection is over or the task is cancelled.
        public mutating func next() async -> Packet? { try? await inbox.next() }

        /// Returns the next packet, or `nil` when the connection is over or the task is cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(Never) -> Packet? {
            try? await inbox.next()
        }
    }

    /// Creates an iterator.
    public func makeAsyncIterator() -> Iterator { Iterator(inbox: inbox) }
}
