/// A FIFO queue of events for the owner to take.
///
/// It reuses its memory.
struct EventQueue {
    private var events: [SessionEvent] = []
    private var taken = 0

    /// The number of events in the queue.
    var count: Int { events.count - taken }

    /// The number of events that fit without a new allocation.
    var capacity: Int { events.capacity }

    mutating func add(_ event: SessionEvent) {
        // If the owner always leaves one event behind, the events that it took must not make the queue grow.
        if taken > Self.maxKept, taken > events.count / 2 {
            events.removeFirst(taken)
            taken = 0
        }
        events.append(event)
    }

    mutating func take() -> SessionEvent? {
        guard taken < events.count else {
            guard !events.isEmpty else { return nil }
            // The memory of a burst is not kept for ever.
            events.removeAll(keepingCapacity: events.count <= Self.maxKept)
            taken = 0
            return nil
        }
        taken += 1
        return events[taken - 1]
    }

    private static let maxKept = 256
}
