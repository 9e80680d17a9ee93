import Basics
import WireCoding

/// The records that this end has sealed, in one log of bytes with three cursors (PROTOCOL.md, Outbound log).
///
/// ```
///         released           written            sealed
///  ───────────┼─────────────────┼──────────────────┼───────────
///   freed       kept, in case     write queue         free space
///               the link is lost
/// ```
/// The log is the write queue, so keeping written bytes costs no copy. A record never crosses from one block to the next, so it
/// is sealed in place and written from there. When the link is lost, the written cursor goes back to the end of what the peer
/// has, and the same bytes are written again.
struct OutboundLog: ~Copyable {
    /// The time for which a record is kept.
    enum Keeping {
        /// Until the peer has acknowledged it: it may have to be written again.
        case untilAcknowledged
        /// Until the link has taken it: the session is lost with its link.
        case untilWritten
    }

    private struct Block {
        let base: UnsafeMutableRawPointer
        let size: BlockPool.Size
        /// The offset of the first record that is still kept.
        var start = 0
        /// The offset of the end of the sealed records.
        var end = 0
    }

    private var blocks: [Block] = []
    private let pool: BlockPool
    /// The position at which writing goes on: a block and an offset in it.
    private var writtenBlock = 0
    private var writtenOffset = 0

    /// The bytes that were ever sealed, those that the link has taken, and those that are no longer kept.
    private(set) var sealedBytes: UInt64 = 0
    private(set) var writtenBytes: UInt64 = 0
    private(set) var releasedBytes: UInt64 = 0
    /// The records that were ever sealed, those that are no longer kept, and those that the peer has.
    private(set) var sealedRecords: UInt64 = 0
    private(set) var releasedRecords: UInt64 = 0
    private(set) var acknowledgedRecords: UInt64 = 0
    /// The number in the last ACK.
    ///
    /// It is less than ``acknowledgedRecords`` while ACKs arrive that were sealed before the link was lost.
    private var lastAcknowledgement: UInt64 = 0
    let keeping: Keeping

    init(pool: BlockPool, keeping: Keeping) {
        self.pool = pool
        self.keeping = keeping
    }

    deinit {
        for block in blocks { pool.giveBack(block.base, block.size) }
    }

    /// The number of bytes that wait to be written.
    var unwrittenCount: Int { Int(sealedBytes - writtenBytes) }

    /// The number of bytes that are kept, written or not.
    var keptCount: Int { Int(sealedBytes - releasedBytes) }

    /// Returns the free space behind the last record, in one run.
    ///
    /// - Parameters:
    ///   - least: the minimum number of bytes.
    ///   - wanted: the preferred number of bytes, which decides the size of a new block.
    /// - Returns: at least `least` bytes.
    mutating func space(atLeast least: Int, wanted: Int) -> UnsafeMutableRawBufferPointer {
        if let last = blocks.last, last.size.count - last.end >= least {
            // The rest of a block is used even if it is shorter than wanted, unless that would make a bulk record so short that
            // a new block is cheaper.
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

    /// Adds the record at the front of the free space to the log.
    mutating func append(_ count: Int) {
        let last = blocks.count - 1
        blocks[last].end += count
        sealedBytes += UInt64(count)
        sealedRecords += 1
    }

    /// Returns to the pool a block that was borrowed but got no record.
    mutating func dropUnusedSpace() {
        guard let last = blocks.last, last.end == 0 else { return }
        pool.giveBack(last.base, last.size)
        blocks.removeLast()
    }

    /// The bytes that wait to be written, in as many runs as fit into `segments`.
    ///
    /// - Returns: the number of `segments` that were filled.
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

    /// Moves the kept bytes into a block of the smallest size, if they are few and all of them were written.
    ///
    /// An acknowledgement is not acknowledged itself, so the last one stays until this end sends another frame. It need not
    /// occupy a whole block for that time.
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

    /// Moves the written cursor: the system took `count` bytes.
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

    /// Whether the next block holds a record.
    ///
    /// A block that was only borrowed may be dropped again, and the cursor must not stand in it then.
    private func hasRecords(behind index: Int) -> Bool {
        index + 1 < blocks.count && blocks[index + 1].end > 0
    }

    /// Takes an ACK: the peer has the first `count` of all records ever sealed.
    ///
    /// - Throws: a violation if the number is lower than in the last ACK, or higher than the number of written records.
    mutating func acknowledge(_ count: UInt64) throws(ProtocolViolation) {
        guard count >= lastAcknowledgement else { throw .malformed("an acknowledgement went back") }
        // ACKs that were sealed before the link was lost have lower numbers than the one that the peer reported on the new link.
        if count > acknowledgedRecords { try advance(to: count) }
        lastAcknowledgement = count
    }

    /// Prepares the log for a new link: everything that the peer does not have is to be written again.
    ///
    /// - Parameter count: the number of all records ever sealed that the peer has.
    /// - Throws: a violation if the number is lower than the peer reported before, or higher than the number of written records.
    mutating func rewind(to count: UInt64) throws(ProtocolViolation) {
        precondition(keeping == .untilAcknowledged, "what is not kept cannot be written again")
        guard count >= acknowledgedRecords else {
            throw .malformed("records were received and are not any more")
        }
        try advance(to: count)
        // A used-up block is released with the next acknowledgement; it holds nothing to be written.
        writtenBlock = 0
        writtenOffset = blocks.first?.start ?? 0
        writtenBytes = releasedBytes
    }

    private mutating func advance(to count: UInt64) throws(ProtocolViolation) {
        release(upTo: count)
        guard count <= releasedRecords else { throw .malformed("an acknowledgement of what was not sent") }
        acknowledgedRecords = count
    }

    /// Releases written records, up to the first `count` of all records ever sealed.
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

    /// Returns all blocks to the pool, because nothing is kept.
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
            // Everything in the block was written, and the block behind it came later.
            writtenOffset = 0
        }
    }

    /// A quarter of the largest record: a shorter rest of a block is not used if more is wanted.
    private static let minWorthwhile = 16 << 10
    /// The number of small blocks up to which a log counts as quiet.
    private static let maxSmallBlocks = 2
}
