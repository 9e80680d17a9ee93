/// The order in which streams send: deficit round robin with two lists, as in FQ-CoDel (RFC 8290, section 4.2).
///
/// A stream that has just got something to send enters the fresh list, which is served first. Once it has sent a quantum, it
/// waits its turn with the others. So a request of a few bytes overtakes any number of streams with bulk, and those share the
/// link evenly, to within a quantum.
struct SendScheduler {
    /// The place of a stream; it is kept in the stream, so that taking turns allocates nothing.
    struct Turn {
        fileprivate(set) var list = List.none
        fileprivate(set) var deficit = 0
        fileprivate(set) var next = -1
        fileprivate(set) var previous = -1
    }

    enum List: UInt8 {
        case none
        case fresh
        case waiting
    }

    private struct Ends {
        var first = -1
        var last = -1
    }

    private var fresh = Ends()
    private var waiting = Ends()
    /// The number of streams in both lists.
    private(set) var count = 0
    /// The number of bytes that a stream may send in a turn.
    ///
    /// Larger: fewer system calls if many streams send bulk. Smaller: each stream waits less for the others.
    private(set) var quantum: Int
    /// The quantum on a link that carries little at a time, which is the minimum.
    private let least: Int
    /// The largest rest of a turn that is kept for the stream's next turn.
    ///
    /// Records seldom divide a quantum evenly: on a fast link this is half a record. Larger: turns differ in length. Zero: in
    /// every turn a few bytes cost a call and a record.
    private var minAllowance: Int { quantum / 8 }

    init(quantum: Int) {
        // With a quantum of zero, no stream would ever get a turn.
        least = max(1, quantum)
        self.quantum = least
    }

    /// Prepares for a link that moves at most `count` bytes before other work gets the processor: two streams share them.
    ///
    /// More streams: this end would read them before they have gathered much. One: it would leave nothing to the next in a single
    /// round of reads.
    mutating func prepare(for count: Int) {
        quantum = max(least, count / 2)
    }

    /// Adds a stream that got something to send.
    mutating func join(_ slot: Int, in streams: inout StreamTable) {
        guard streams[slot].turn.list == .none else { return }
        streams[slot].turn.deficit = quantum
        append(slot, to: .fresh, in: &streams)
        count += 1
    }

    /// Adds a stream that was held up by its own credit and may go on; it does not count as fresh.
    mutating func rejoin(_ slot: Int, in streams: inout StreamTable) {
        guard streams[slot].turn.list == .none else { return }
        append(slot, to: .waiting, in: &streams)
        count += 1
    }

    /// Removes a stream that has nothing to send any more, or may not send.
    mutating func leave(_ slot: Int, in streams: inout StreamTable) {
        guard streams[slot].turn.list != .none else { return }
        unlink(slot, in: &streams)
        count -= 1
    }

    /// The stream whose turn it is, and the number of bytes that it may send; the stream keeps its place.
    mutating func next(in streams: inout StreamTable) -> (slot: Int, allowance: Int)? {
        while true {
            let slot = fresh.first >= 0 ? fresh.first : waiting.first
            guard slot >= 0 else { return nil }
            guard streams[slot].canSend else {
                retire(slot, in: &streams)
                continue
            }
            // A stream that is alone has no limit, because no other stream waits.
            if count == 1 { return (slot, .max) }
            if streams[slot].turn.deficit > minAllowance { return (slot, streams[slot].turn.deficit) }
            streams[slot].turn.deficit += quantum
            move(slot, to: .waiting, in: &streams)
        }
    }

    /// Subtracts the `count` bytes that the stream sent from its turn.
    mutating func charge(_ slot: Int, _ count: Int, in streams: inout StreamTable) {
        // The long turn of a stream that was alone counts against it for one round at most.
        streams[slot].turn.deficit = max(streams[slot].turn.deficit - count, -quantum)
    }

    /// Removes a stream that cannot send.
    ///
    /// If others wait, a fresh stream first waits once among them. Otherwise it could come back as fresh again and again.
    private mutating func retire(_ slot: Int, in streams: inout StreamTable) {
        if streams[slot].turn.list == .fresh, waiting.first >= 0 {
            move(slot, to: .waiting, in: &streams)
        } else {
            leave(slot, in: &streams)
        }
    }

    private mutating func move(_ slot: Int, to list: List, in streams: inout StreamTable) {
        unlink(slot, in: &streams)
        append(slot, to: list, in: &streams)
    }

    private mutating func append(_ slot: Int, to list: List, in streams: inout StreamTable) {
        var ends = list == .fresh ? fresh : waiting
        streams[slot].turn.list = list
        streams[slot].turn.previous = ends.last
        streams[slot].turn.next = -1
        if ends.last >= 0 { streams[ends.last].turn.next = slot } else { ends.first = slot }
        ends.last = slot
        set(list, ends)
    }

    private mutating func unlink(_ slot: Int, in streams: inout StreamTable) {
        let turn = streams[slot].turn
        var ends = turn.list == .fresh ? fresh : waiting
        if turn.previous >= 0 {
            streams[turn.previous].turn.next = turn.next
        } else {
            ends.first = turn.next
        }
        if turn.next >= 0 {
            streams[turn.next].turn.previous = turn.previous
        } else {
            ends.last = turn.previous
        }
        set(turn.list, ends)
        streams[slot].turn.list = .none
    }

    private mutating func set(_ list: List, _ ends: Ends) {
        if list == .fresh { fresh = ends } else { waiting = ends }
    }
}
