/// The streams of a session: found by their number on the wire, kept in slots that are reused.
struct StreamTable {
    private var slots: [SessionStream] = []
    private var free: [Int] = []
    private var slotOf: [UInt32: Int] = [:]

    /// The number of streams.
    var count: Int { slotOf.count }

    /// The stream in a slot that is known to be in use.
    subscript(_ slot: Int) -> SessionStream {
        _read { yield slots[slot] }
        _modify { yield &slots[slot] }
    }

    /// The slot of the stream with this number, if there is one.
    func slot(of id: StreamID) -> Int? { slotOf[id.rawValue] }

    /// Whether the handle refers to an existing stream.
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

    /// Removes a stream; its slot may be reused at once.
    mutating func remove(_ handle: StreamHandle) {
        slotOf[handle.id.rawValue] = nil
        slots[handle.slot] = .vacant
        free.append(handle.slot)
        if slotOf.isEmpty, slots.count > Self.maxEmptySlots {
            // The memory of many streams is freed once they are gone.
            slots = []
            free = []
            slotOf = [:]
        }
    }

    /// All streams, in no particular order.
    var handles: [StreamHandle] {
        slotOf.map { StreamHandle(id: StreamID(rawValue: $0.key), slot: $0.value) }
    }

    /// The number of slots up to which an empty table is kept: some 20 KiB.
    private static let maxEmptySlots = 128
}
