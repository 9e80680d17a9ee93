import Basics
import WireCoding

/// Lends the memory of outbound logs.
///
/// It keeps a few returned blocks, because the block used last is the one that is still in the processor's cache. It is confined
/// to one thread; all sessions of an event loop borrow from the same pool.
package final class BlockPool {
    /// The size of a block, by its use.
    package enum Size {
        /// For a silent session: the bytes that are not acknowledged, seldom more than one acknowledgement.
        case tiny
        /// For a quiet session: some small records.
        case small
        /// For bulk: four records of the largest size.
        case large

        /// The size of the block, in bytes.
        package var count: Int {
            switch self {
            // Some acknowledgements of 36 bytes; the heap adds its own overhead.
            case .tiny: 240
            // Three records of the usual chunk. Smaller: a log changes blocks all the time. Larger: each quiet session holds more
            // memory that it does not use.
            case .small: 16 << 10
            // Four records of 64 KiB with their overhead, in whole pages: the amount that one read and one write should move.
            case .large: 65 << 12
            }
        }
    }

    /// The number of bytes that are lent out now.
    package private(set) var lentBytes = 0

    private var small = Shelf(most: 8)
    /// As many blocks as the log of one session has at its default limit.
    ///
    /// Fewer: the system maps, clears and unmaps pages all the time while a busy link's log grows and shrinks. More: the pool
    /// keeps more after a burst of many sessions.
    private var large = Shelf(most: 64)

    /// Returned blocks.
    private struct Shelf {
        var blocks: [UnsafeMutableRawPointer] = []
        /// The number of blocks that were not needed lately.
        var spare = 0
        /// The maximum number of blocks that are kept.
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

    /// Lends a block; its content is undefined.
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

    /// The number of bytes that are kept for later loans.
    package var keptBytes: Int {
        small.blocks.count * Size.small.count + large.blocks.count * Size.large.count
    }

    /// Frees all blocks that are not lent out: for quiet times.
    package func trim() {
        small.drop(small.blocks.count)
        large.drop(large.blocks.count)
    }

    /// Frees the blocks that were not needed since the last call: for busy times.
    package func trimSpare() {
        small.drop(small.spare)
        large.drop(large.spare)
    }
}
