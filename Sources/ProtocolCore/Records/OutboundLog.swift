import Basics
import WireCoding

/// What this end has sealed, in one log of bytes with three cursors (PROTOCOL.md, Outbound log).
///
/// ```
///         released           written            sealed
///  ───────────┼─────────────────┼──────────────────┼───────────
///   forgotten   kept, in case     write queue         free space
///               the link is lost
/// ```
/// The log is the write queue, so keeping what was written costs no copy. A record never crosses from one block to
/// the next, so it can be sealed where it is and written from there. When the link is lost, the written cursor goes back
/// to what the peer has, and the same bytes are written again.
struct OutboundLog: ~Copyable {
    /// How long a record is kept.
    enum Keeping {
        /// Until the peer has it: it may have to be written again.
        case untilAcknowledged
        /// Until the link has taken it: when that is lost, so is the session.
        case untilWritten
    }

    private struct Block {
        let base: UnsafeMutableRawPointer
        let size: BlockPool.Size
        /// Where the records that are still kept begin.
        var start = 0
        /// Where the sealed records end.
        var end = 0
    }

    private var blocks: [Block] = []
    private let pool: BlockPool
    /// Where writing goes on: a block and an offset in it.
    private var writtenBlock = 0
    private var writtenOffset = 0

    /// All bytes ever sealed; those of them that the link has taken, and those that are not kept any more.
    private(set) var sealedBytes: UInt64 = 0
    private(set) var writtenBytes: UInt64 = 0
    private(set) var releasedBytes: UInt64 = 0
    /// All records ever sealed; those of them that are not kept any more, and those that the peer has.
    private(set) var sealedRecords: UInt64 = 0
    private(set) var releasedRecords: UInt64 = 0
    private(set) var acknowledgedRecords: UInt64 = 0
    /// What the last ACK said: less than ``acknowledgedRecords`` while ACKs come that were sealed before the link was
    /// lost.
    private var lastAcknowledgement: UInt64 = 0
    let keeping: Keeping

    init(pool: BlockPool, keeping: Keeping) {
        self.pool = pool
        self.keeping = keeping
    }

    deinit {
        for block in blocks { pool.giveBack(block.base, block.size) }
    }

    /// How many bytes wait to be written.
    var unwrittenCount: Int { Int(sealedBytes - writtenBytes) }

    /// How many bytes are kept, written or not.
    var keptCount: Int { Int(sealedBytes - releasedBytes) }

    /// Free space behind the last record, in one run.
    ///
    /// - Parameters:
    ///   - least: how many bytes there must be.
    ///   - wanted: how many there had better be; decides the size of a new block.
    /// - Returns: at least `least` bytes.
    mutating func space(atLeast least: Int, wanted: Int) -> UnsafeMutableRawBufferPointer {
        if let last = blocks.last, last.size.count - last.end >= least {
            // A rest that is too short for what is wanted is still used for as much as fits, unless that would
            // make a bulk record so short that a block of its own is cheaper.
            let rest = last.size.count - last.end
            if rest >= wanted || rest >= Self.minWorthwhile {
                return UnsafeMutableRawBufferPointer(start: last.base + last.end, count: rest)
            }
        }
        let size: BlockPool.Size =
            wanted > BlockPool.Size.small.count || blocks.count > Self.maxSmallBlocks ? .large : .small
        precondition(least <= size.count, "a record is longer than a block")
        let block = Block(base: pool.borrow(size), size: size)
        blocks.append(block)
        return UnsafeMutableRawBufferPointer(start: block.base, count: size.count)
    }

    /// Takes the record at the front of the free space into the log.
    mutating func append(_ count: Int) {
        let last = blocks.count - 1
        blocks[last].end += count
        sealedBytes += UInt64(count)
        sealedRecords += 1
    }

    /// Gives back a block that was asked for and got no record.
    mutating func dropUnusedSpace() {
        guard let last = blocks.last, last.end == 0 else { return }
        pool.giveBack(last.base, last.size)
        blocks.removeLast()
    }

    /// What waits to be written, as many runs as fit into `segments`.
    ///
    /// - Returns: how many of `segments` were filled.
    func unwritten(into segments: UnsafeMutableBufferPointer<MemorySegment>) -> Int {
        var filled = 0
        var index = writtenBlock
        var offset = writtenOffset
        while index < blocks.count, filled < segments.count {
            let block = blocks[index]
            if block.end > offset {
                segments[filled] = MemorySegment(base: block.base + offset, count: block.end - offset)
                filled += 1
            }
            index += 1
            offset = index < blocks.count ? blocks[index].start : 0
        }
        return filled
    }

    /// Moves what is left into a block of its size, when it is little and nothing is going on.
    ///
    /// An acknowledgement asks for none, so the last one stays until something else is said; it need not keep a whole block
    /// for as long.
    mutating func rest() {
        guard blocks.count == 1, let block = blocks.first, block.size != .tiny, unwrittenCount == 0,
            keptCount <= BlockPool.Size.tiny.count
        else { return }
        let base = pool.borrow(.tiny)
        base.copyMemory(from: block.base + block.start, byteCount: keptCount)
        pool.giveBack(block.base, block.size)
        blocks[0] = Block(base: base, size: .tiny, start: 0, end: keptCount)
        writtenOffset = keptCount
    }

    /// Moves the written cursor: the system took that many bytes.
    mutating func wrote(_ count: Int) {
        precondition(count <= unwrittenCount, "more was written than there is")
        moveWritten(by: count)
        if keeping == .untilWritten { release(upTo: .max) }
    }

    private mutating func moveWritten(by count: Int) {
        writtenBytes += UInt64(count)
        var rest = count
        while true {
            let there = blocks.isEmpty ? 0 : blocks[writtenBlock].end - writtenOffset
            if rest < there || (rest == there && !hasRecords(behind: writtenBlock)) {
                writtenOffset += rest
                return
            }
            rest -= there
            writtenBlock += 1
            writtenOffset = blocks[writtenBlock].start
        }
    }

    /// Whether there is a block behind this one that has got a record: one that was only asked for may be dropped
    /// again, and the cursor must not stand in it then.
    private func hasRecords(behind index: Int) -> Bool {
        index + 1 < blocks.count && blocks[index + 1].end > 0
    }

    /// Takes an ACK: `count` is how many of all records ever sealed the peer has.
    ///
    /// - Throws: when it is less than the ACK before said, or more than was written.
    mutating func acknowledge(_ count: UInt64) throws(ProtocolViolation) {
        guard count >= lastAcknowledgement else { throw .malformed("an acknowledgement went back") }
        // Those that were sealed before the link was lost say less than the peer said on the new one.
        if count > acknowledgedRecords { try advance(to: count) }
        lastAcknowledgement = count
    }

    /// The link is another one: everything that the peer has not is to be written again.
    ///
    /// - Parameter count: how many of all records ever sealed the peer has.
    /// - Throws: when that is less than it has said before, or more than was ever written.
    mutating func rewind(to count: UInt64) throws(ProtocolViolation) {
        precondition(keeping == .untilAcknowledged, "what is not kept cannot be written again")
        guard count >= acknowledgedRecords else {
            throw .malformed("records were received and are not any more")
        }
        try advance(to: count)
        // A block that is used up goes with the next acknowledgement; there is nothing in it to be written.
        writtenBlock = 0
        writtenOffset = blocks.first?.start ?? 0
        writtenBytes = releasedBytes
    }

    private mutating func advance(to count: UInt64) throws(ProtocolViolation) {
        release(upTo: count)
        guard count <= releasedRecords else { throw .malformed("an acknowledgement of what was not sent") }
        acknowledgedRecords = count
    }

    /// Forgets records that have been written, up to that many of all records ever sealed.
    private mutating func release(upTo count: UInt64) {
        while releasedRecords < count, releasedRecords < sealedRecords {
            let block = blocks[0]
            guard block.start < block.end else {
                dropFirstBlock()
                continue
            }
            let record = RecordHeader.recordCount(at: block.base + block.start)
            guard releasedBytes + UInt64(record) <= writtenBytes else { break }
            blocks[0].start += record
            releasedRecords += 1
            releasedBytes += UInt64(record)
        }
        if releasedBytes == sealedBytes { reset() }
    }

    /// Nothing is kept: no block is needed.
    private mutating func reset() {
        for block in blocks { pool.giveBack(block.base, block.size) }
        blocks.removeAll(keepingCapacity: true)
        writtenBlock = 0
        writtenOffset = 0
    }

    private mutating func dropFirstBlock() {
        pool.giveBack(blocks[0].base, blocks[0].size)
        blocks.removeFirst()
        if writtenBlock > 0 {
            writtenBlock -= 1
        } else {
            // Everything in it was written, and the block behind it came later.
            writtenOffset = 0
        }
    }

    /// A quarter of the largest record: below it a rest of a block is left alone when more is wanted.
    private static let minWorthwhile = 16 << 10
    /// A log that has filled so many small blocks is not quiet.
    private static let maxSmallBlocks = 2
}
