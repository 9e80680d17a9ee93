import Basics
import SecureLink
import Vocabulary
import WireCoding

/// The purpose of a message stream.
///
/// Each purpose has a stream of its own, so that one purpose does not hold up another.
enum StreamName: Sendable {
    /// Packets in both directions; the client opens the stream.
    case packets
    /// This end's requests and the answers to them; this end opens the stream.
    case calls
    /// The other end's requests and this end's answers; the other end opens the stream.
    case answers
}

/// The owner of a message stream, which receives its items and events.
protocol MessageStreamOwner: AnyObject {
    func messageStream(_ messageStream: MessageStream, received item: Item, size: Int)
    func messageStream(_ messageStream: MessageStream, broke fault: ItemFault)
    /// Reports that the session has taken all bytes of the stream's finished outbox.
    func messageStreamFinished(_ messageStream: MessageStream)
    func messageStreamEnded(_ messageStream: MessageStream, _ failure: StreamFailure?)
    func messageStream(_ messageStream: MessageStream, sessionEnded reason: SessionEnd)
}

/// A stream that carries items both ways.
///
/// Confined to its loop's thread.
final class MessageStream: StreamEndpoint {
    let name: StreamName
    var stream: LinkStream?
    private let outbox: Outbox
    private unowned let owner: any MessageStreamOwner
    private var cutter = ItemCutter()
    private(set) var isFinished = false

    init(_ name: StreamName, _ outbox: Outbox, owner: any MessageStreamOwner) {
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
            owner.messageStreamFinished(self)
            return StreamFill(count, .finished)
        }
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // All items are read before the owner gets the first, so that the owner cannot change the cutter while it reads.
        var items: [(item: Item, size: Int)] = []
        var fault: ItemFault?
        do throws(ItemFault) {
            try cutter.feed(bytes) { item, size in items.append((item, size)) }
        } catch {
            fault = error
        }
        for (item, size) in items { owner.messageStream(self, received: item, size: size) }
        if let fault { owner.messageStream(self, broke: fault) }
        return false
    }

    func deliver() {}

    func receiveEnd() {
        owner.messageStreamEnded(self, nil)
    }

    func targetAnswered(_ failure: StreamFailure?) {
        if let failure { owner.messageStreamEnded(self, failure) }
    }

    func streamReset(_ failure: StreamFailure) {
        owner.messageStreamEnded(self, failure)
    }

    func sessionEnded(_ end: SessionEnd) {
        owner.messageStream(self, sessionEnded: end)
    }
}
