import Basics
import WireCoding

/// Lends the memory that outbound logs are made of, and keeps a few blocks that come back, because the block used
/// last is the one that is still in the processor's cache.
///
/// Confined to one thread; every session of an event loop borrows from the same pool.
package final class BlockPool {
    /// What a block is for.
    package enum Size {
        /// A session that is silent: what is left to be acknowledged, which is seldom more than one acknowledgement.
        case tiny
        /// A quiet session: some small records.
        case small
        /// Bulk: four records of the largest size.
        case large

        /// How many bytes such a block has.
        package var count: Int {
            switch self {
            // Some acknowledgements of 36 bytes, with what a heap adds.
            case .tiny: 240
            // Three records of the usual chunk. Smaller would change blocks all the time; larger would be what
            // each quiet session holds for nothing.
            case .small: 16 << 10
            // Four of 64 KiB and their overhead, in whole pages: what one read and one write should move.
            case .large: 65 << 12
            }
        }
    }

    /// How many bytes are lent out now.
    package private(set) var lentBytes = 0

    private var small = Shelf(most: 8)
    /// As many as the log of one session at its default bound: fewer would have the system map, clear and unmap pages all
    /// the time while a busy link's log swings; more would be kept after a burst of many sessions.
    private var large = Shelf(most: 64)

    /// Blocks that came back.
    private struct Shelf {
        var blocks: [UnsafeMutableRawPointer] = []
        /// How many of them nobody has needed lately.
        var spare = 0
        /// Blocks that are kept.
        let most: Int

        init(most: Int) {
            self.most = most
        }

        mutating func take() -> UnsafeMutableRawPointer? {
            let block = blocks.popLast()
            spare = min(spare, blocks.count)
            return block
        }

        mutating func put(_ block: UnsafeMutableRawPointer) {
            if blocks.count < most { blocks.append(block) } else { BulkMemory.deallocate(block) }
        }

        mutating func drop(_ count: Int) {
            for block in blocks.prefix(count) { BulkMemory.deallocate(block) }
            blocks.removeFirst(count)
            spare = blocks.count
        }
    }

    package init() {}

    deinit {
        trim()
    }

    /// Lends a block; its content is whatever was there.
    func borrow(_ size: Size) -> UnsafeMutableRawPointer {
        lentBytes += size.count
        let kept =
            switch size {
            case .tiny: nil as UnsafeMutableRawPointer?
            case .small: small.take()
            case .large: large.take()
            }
        if let kept { return kept }
        return size == .tiny
            ? .allocate(byteCount: size.count, alignment: 16) : BulkMemory.allocate(byteCount: size.count)
    }

    /// Takes a block back.
    func giveBack(_ block: UnsafeMutableRawPointer, _ size: Size) {
        lentBytes -= size.count
        switch size {
        case .tiny: block.deallocate()
        case .small: small.put(block)
        case .large: large.put(block)
        }
    }

    /// How many bytes are kept for who borrows next.
    package var keptBytes: Int {
        small.blocks.count * Size.small.count + large.blocks.count * Size.large.count
    }

    /// Gives everything that is not lent out back to the system: for quiet times.
    package func trim() {
        small.drop(small.blocks.count)
        large.drop(large.blocks.count)
    }

    /// Gives back what nobody has needed since the last time: for busy times.
    package func trimSpare() {
        small.drop(small.spare)
        large.drop(large.spare)
    }
}
