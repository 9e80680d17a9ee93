import Basics
import EventIO
import ProtocolCore

/// The number of streams that recently moved bulk over a link in one direction, in windows of 50 ms.
///
/// A loop gives every link a turn. A link with three bulk streams needs a longer turn than a link with one; otherwise each of the
/// three gets a third of what the one gets.
struct BulkCount {
    private var window: UInt64 = 0
    private var inWindow = 0
    private var inLastWindow = 0

    /// The number of the window that contains `now`, a time of the loop's clock; never 0.
    static func window(at now: Instant) -> UInt64 { now.nanoseconds / Workload.window.nanoseconds &+ 1 }

    /// Counts a stream that moves bulk and was not counted in this window before.
    mutating func add(in current: UInt64) {
        advance(to: current)
        inWindow += 1
    }

    /// Raises the count of this window to that of a link.
    mutating func raise(to count: Int, in current: UInt64) {
        advance(to: current)
        inWindow = max(inWindow, count)
    }

    /// The count of this window or of the last one, whichever is larger.
    func count(in current: UInt64) -> Int {
        if current == window { return max(inWindow, inLastWindow) }
        return current &- window == 1 ? inWindow : 0
    }

    private mutating func advance(to current: UInt64) {
        guard current != window else { return }
        inLastWindow = current &- window == 1 ? inWindow : 0
        inWindow = 0
        window = current
    }
}

/// A direction of a link, as seen from this end.
enum LinkDirection {
    case reading, writing
}

/// A pair of values, one for each direction of a link.
struct BothDirections<Value> {
    var reading: Value
    var writing: Value

    init(_ value: Value) {
        reading = value
        writing = value
    }

    subscript(direction: LinkDirection) -> Value {
        get {
            switch direction {
            case .reading: reading
            case .writing: writing
            }
        }
        _modify {
            switch direction {
            case .reading: yield &reading
            case .writing: yield &writing
            }
        }
    }
}

extension PeerSession {
    /// Counts a stream as bulk if it has moved enough of it at once.
    ///
    /// `count` is the number of bytes that it moved.
    func countBulk(of stream: StreamHandle, _ count: Int, _ direction: LinkDirection) {
        guard count >= Workload.bulkMove else { return }
        let window = BulkCount.window(at: environment.loop.now)
        // The endpoint may have ended the stream meanwhile, or the session with all its slots.
        guard stream.slot < slots.count, slots[stream.slot].id == stream.id,
            slots[stream.slot].countedIn[direction] != window
        else { return }
        slots[stream.slot].countedIn[direction] = window
        bulk[direction].add(in: window)
        environment.maxBulk.raise(to: bulk[direction].count(in: window), in: window)
    }

    /// The number of bytes that the link may move in its turn.
    ///
    /// The link with the most bulk streams gets a whole turn; every other link gets a part in proportion to its bulk streams.
    func maxBytes(_ direction: LinkDirection) -> Int {
        let window = BulkCount.window(at: environment.loop.now)
        let most = max(environment.maxBulk.count(in: window), 1)
        let part = environment.turnBytes * min(max(bulk[direction].count(in: window), 1), most) / most
        // A smaller part would cost a system call for every few bytes. So a link next to one with very many streams gets slightly
        // more than its part.
        return max(part, Workload.minTurn)
    }
}
