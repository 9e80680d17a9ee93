import Basics
import SecureLink
import Vocabulary
import WireCoding

/// What a lane is for.
///
/// Each has a stream of its own, so that none holds up another.
enum LaneName: Sendable {
    /// Packets, both ways; the client opens it.
    case packets
    /// Our requests, and the answers to them; we open it.
    case calls
    /// The other end's requests, and our answers; the other end opens it.
    case answers
}

/// Whom a lane tells what comes.
///
/// It is told from within the session's own calls, and must not end the session there.
protocol LaneOwner: AnyObject {
    func lane(_ lane: Lane, received item: Item, size: Int)
    func lane(_ lane: Lane, broke fault: ItemFault)
    /// All that there was to say on it has been handed to the session.
    func laneFinished(_ lane: Lane)
    func laneEnded(_ lane: Lane, _ failure: StreamFailure?)
    func lane(_ lane: Lane, sessionEnded reason: SessionEnd)
}

/// A stream that carries items both ways.
///
/// Confined to its loop's thread.
final class Lane: StreamEndpoint {
    let name: LaneName
    var stream: LinkStream?
    private let outbox: Outbox
    private unowned let owner: any LaneOwner
    private var cutter = ItemCutter()
    private(set) var isFinished = false

    init(_ name: LaneName, _ outbox: Outbox, owner: any LaneOwner) {
        self.name = name
        self.outbox = outbox
        self.owner = owner
    }

    func fill(_ segments: UnsafeMutableBufferPointer<MemorySegment>) -> StreamFill {
        let (count, rest) = outbox.take(into: segments)
        switch rest {
        case .more: return StreamFill(count, .more)
        case .drained: return StreamFill(count, .drained)
        case .finished:
            isFinished = true
            owner.laneFinished(self)
            return StreamFill(count, .finished)
        }
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // Cut first and handed over then: whatever the owner does, the cutter is at rest.
        var items: [(item: Item, size: Int)] = []
        var fault: ItemFault?
        do throws(ItemFault) {
            try cutter.feed(bytes) { item, size in items.append((item, size)) }
        } catch {
            fault = error
        }
        for (item, size) in items { owner.lane(self, received: item, size: size) }
        if let fault { owner.lane(self, broke: fault) }
        return false
    }

    func deliver() {}

    func receiveEnd() {
        owner.laneEnded(self, nil)
    }

    func targetAnswered(_ failure: StreamFailure?) {
        if let failure { owner.laneEnded(self, failure) }
    }

    func streamReset(_ failure: StreamFailure) {
        owner.laneEnded(self, failure)
    }

    func sessionEnded(_ end: SessionEnd) {
        owner.lane(self, sessionEnded: end)
    }
}
