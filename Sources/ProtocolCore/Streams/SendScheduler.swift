/// Whose turn it is to send: deficit round robin with two lists, as FQ-CoDel has them (RFC 8290, section 4.2).
///
/// A stream that has just got something to send goes into the list of the fresh, which is served first; once it has
/// sent a quantum it waits its turn with the others. So a question of some bytes passes by any number of streams
/// that move bulk, and those share what there is evenly, to a quantum.
struct SendScheduler {
    /// A stream's place; kept in the stream, so that nothing is allocated for taking turns.
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
    /// How many streams are in either list.
    private(set) var count = 0
    /// How many bytes a stream may send in a turn.
    ///
    /// Larger means fewer system calls when many streams move bulk; smaller means that each waits less for
    /// the others.
    private(set) var quantum: Int
    /// What it is on a link that carries little at a time.
    private let least: Int
    /// What is left of a turn and is not more than this is kept for the stream's next one.
    ///
    /// Records seldom divide a quantum evenly: on a fast link this is half a record. More would make turns differ; nothing
    /// would cost a call and a record for some bytes in every turn.
    private var minAllowance: Int { quantum / 8 }

    init(quantum: Int) {
        // With a quantum of nothing, nobody's turn would ever come.
        least = max(1, quantum)
        self.quantum = least
    }

    /// The link will move at most so many bytes before others have the processor: two streams share them.
    ///
    /// More streams would be read before they have gathered much; one would leave nothing to the next in what is read at once.
    mutating func prepare(for count: Int) {
        quantum = max(least, count / 2)
    }

    /// A stream got something to send.
    mutating func join(_ slot: Int, in streams: inout StreamTable) {
        guard streams[slot].turn.list == .none else { return }
        streams[slot].turn.deficit = quantum
        append(slot, to: .fresh, in: &streams)
        count += 1
    }

    /// A stream that was held up by its own credit may go on: it does not count as fresh.
    mutating func rejoin(_ slot: Int, in streams: inout StreamTable) {
        guard streams[slot].turn.list == .none else { return }
        append(slot, to: .waiting, in: &streams)
        count += 1
    }

    /// A stream has nothing to send any more, or may not.
    mutating func leave(_ slot: Int, in streams: inout StreamTable) {
        guard streams[slot].turn.list != .none else { return }
        unlink(slot, in: &streams)
        count -= 1
    }

    /// The stream whose turn it is, and how many bytes it may send in it; it stays where it is.
    mutating func next(in streams: inout StreamTable) -> (slot: Int, allowance: Int)? {
        while true {
            let slot = fresh.first >= 0 ? fresh.first : waiting.first
            guard slot >= 0 else { return nil }
            guard streams[slot].canSend else {
                retire(slot, in: &streams)
                continue
            }
            // Who is alone need not be stopped for anybody.
            if count == 1 { return (slot, .max) }
            if streams[slot].turn.deficit > minAllowance { return (slot, streams[slot].turn.deficit) }
            streams[slot].turn.deficit += quantum
            move(slot, to: .waiting, in: &streams)
        }
    }

    /// The stream sent so many bytes in its turn.
    mutating func charge(_ slot: Int, _ count: Int, in streams: inout StreamTable) {
        // A long turn of who was alone is not held against it for longer than one round.
        streams[slot].turn.deficit = max(streams[slot].turn.deficit - count, -quantum)
    }

    /// A stream that cannot send leaves; but one that was fresh waits once among the others first, or it could
    /// come back as fresh at once, again and again.
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
