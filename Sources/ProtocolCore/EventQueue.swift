/// Events that wait to be taken, oldest first.
///
/// Its room is used again and again.
struct EventQueue {
    private var events: [SessionEvent] = []
    private var taken = 0

    /// How many events wait.
    var count: Int { events.count - taken }

    /// For how many there is room.
    var capacity: Int { events.capacity }

    mutating func add(_ event: SessionEvent) {
        // Whoever always leaves one behind must not make the queue grow by those that it took.
        if taken > Self.maxKept, taken > events.count / 2 {
            events.removeFirst(taken)
            taken = 0
        }
        events.append(event)
    }

    mutating func take() -> SessionEvent? {
        guard taken < events.count else {
            guard !events.isEmpty else { return nil }
            // Room for a burst is not kept for ever.
            events.removeAll(keepingCapacity: events.count <= Self.maxKept)
            taken = 0
            return nil
        }
        taken += 1
        return events[taken - 1]
    }

    private static let maxKept = 256
}
