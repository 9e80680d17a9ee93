/// The streams of a session: found by the name that is on the wire, kept in slots that are used again.
struct StreamTable {
    private var slots: [SessionStream] = []
    private var free: [Int] = []
    private var slotOf: [UInt32: Int] = [:]

    /// How many streams there are.
    var count: Int { slotOf.count }

    /// The stream in a slot that is known to be taken.
    subscript(_ slot: Int) -> SessionStream {
        _read { yield slots[slot] }
        _modify { yield &slots[slot] }
    }

    /// Where the stream of that name is, if there is one.
    func slot(of id: StreamID) -> Int? { slotOf[id.rawValue] }

    /// Whether the handle still means an existing stream.
    func contains(_ handle: StreamHandle) -> Bool {
        handle.slot < slots.count && slots[handle.slot].id == handle.id
    }

    /// Adds a stream.
    mutating func insert(_ stream: SessionStream) -> StreamHandle {
        let slot: Int
        if let last = free.popLast() {
            slot = last
            slots[slot] = stream
        } else {
            slot = slots.count
            slots.append(stream)
        }
        slotOf[stream.id.rawValue] = slot
        return StreamHandle(id: stream.id, slot: slot)
    }

    /// Forgets a stream; its slot may be taken again at once.
    mutating func remove(_ handle: StreamHandle) {
        slotOf[handle.id.rawValue] = nil
        slots[handle.slot] = .vacant
        free.append(handle.slot)
        if slotOf.isEmpty, slots.count > Self.maxEmptySlots {
            // After a crowd, the room that it took is given back.
            slots = []
            free = []
            slotOf = [:]
        }
    }

    /// All streams, in no order.
    var handles: [StreamHandle] {
        slotOf.map { StreamHandle(id: StreamID(rawValue: $0.key), slot: $0.value) }
    }

    /// A table of this many empty slots is kept: some 20 KiB.
    private static let maxEmptySlots = 128
}
