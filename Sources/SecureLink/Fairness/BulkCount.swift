import Basics
import EventIO
import ProtocolCore

/// How many streams have lately moved bulk over a link in one direction, in steps of a twentieth of a second.
///
/// A loop gives every link its turn. A link that carries three streams needs a longer one than a link that carries one, or
/// each of the three gets a third of what the one gets.
struct BulkCount {
    private var window: UInt64 = 0
    private var inWindow = 0
    private var inLastWindow = 0

    private static let windowLength: UInt64 = 50_000_000
    /// What is moved at once from here on is bulk; questions and answers are shorter.
    static let minBytes = 16 << 10

    /// The number of the window that `now`, a time of the loop's clock, lies in: never 0.
    static func window(at now: Instant) -> UInt64 { now.nanoseconds / windowLength &+ 1 }

    /// A stream moves bulk that has not been counted in this window yet.
    mutating func add(in current: UInt64) {
        advance(to: current)
        inWindow += 1
    }

    /// There is a link with so many.
    mutating func raise(to count: Int, in current: UInt64) {
        advance(to: current)
        inWindow = max(inWindow, count)
    }

    /// How many there were in this window or the last, whichever is more.
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

/// A direction of a link, seen from here.
enum LinkDirection {
    case reading, writing
}

/// Something of each direction of a link.
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
    /// A stream has moved `count` bytes at once.
    func countBulk(of stream: StreamHandle, _ count: Int, _ direction: LinkDirection) {
        guard count >= BulkCount.minBytes else { return }
        let window = BulkCount.window(at: environment.loop.now)
        // What the endpoint did meanwhile may have ended the stream, or the session with all its seats.
        guard stream.slot < slots.count, slots[stream.slot].id == stream.id,
            slots[stream.slot].countedIn[direction] != window
        else { return }
        slots[stream.slot].countedIn[direction] = window
        bulk[direction].add(in: window)
        environment.maxBulk.raise(to: bulk[direction].count(in: window), in: window)
    }

    /// How many bytes the link may move in its turn: its streams' part of what the link with the most of them may move.
    func maxBytes(_ direction: LinkDirection) -> Int {
        let window = BulkCount.window(at: environment.loop.now)
        let most = max(environment.maxBulk.count(in: window), 1)
        let part = environment.turnBytes * min(max(bulk[direction].count(in: window), 1), most) / most
        // Less would cost a call for every few bytes; a link beside one with so many streams gets a little more.
        return max(part, Self.minTurnBytes)
    }
}
