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

    private var small: [UnsafeMutableRawPointer] = []
    private var large: [UnsafeMutableRawPointer] = []

    /// Blocks kept of each size.
    ///
    /// More would keep memory after a burst; fewer would ask the system again and again.
    private static let mostKept = 8

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
            case .small: small.popLast()
            case .large: large.popLast()
            }
        return kept ?? .allocate(byteCount: size.count, alignment: size == .tiny ? 16 : 4096)
    }

    /// Takes a block back.
    func giveBack(_ block: UnsafeMutableRawPointer, _ size: Size) {
        lentBytes -= size.count
        switch size {
        case .small where small.count < Self.mostKept: small.append(block)
        case .large where large.count < Self.mostKept: large.append(block)
        default: block.deallocate()
        }
    }

    /// Gives everything that is not lent out back to the system: for quiet times.
    package func trim() {
        for block in small + large { block.deallocate() }
        small.removeAll()
        large.removeAll()
    }
}
