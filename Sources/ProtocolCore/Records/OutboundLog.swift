import WireCoding

/// What this end has sealed, in one log of bytes with three cursors (PROTOCOL.md, Outbound log).
///
/// ```
///        acknowledged        written            sealed
///  ───────────┼─────────────────┼──────────────────┼───────────
///   forgotten   kept, in case     write queue         free space
///               the link is lost
/// ```
/// The log is the write queue, so keeping what was written costs no copy. A record never crosses from one block to
/// the next, so it can be sealed where it is and written from there.
struct OutboundLog: ~Copyable {
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

    /// All bytes ever sealed, written and acknowledged.
    private(set) var sealedBytes: UInt64 = 0
    private(set) var writtenBytes: UInt64 = 0
    private(set) var acknowledgedBytes: UInt64 = 0
    /// All records ever sealed and acknowledged.
    private(set) var sealedRecords: UInt64 = 0
    private(set) var acknowledgedRecords: UInt64 = 0

    init(pool: BlockPool) {
        self.pool = pool
    }

    deinit {
        for block in blocks { pool.giveBack(block.base, block.size) }
    }

    /// How many bytes wait to be written.
    var unwrittenCount: Int { Int(sealedBytes - writtenBytes) }

    /// How many bytes are kept, written or not.
    var keptCount: Int { Int(sealedBytes - acknowledgedBytes) }

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
            if rest >= wanted || rest >= Self.shortestWorthwhile {
                return UnsafeMutableRawBufferPointer(start: last.base + last.end, count: rest)
            }
        }
        let size: BlockPool.Size =
            wanted > BlockPool.Size.small.count || blocks.count > Self.mostSmallBlocks ? .large : .small
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

    /// Moves the written cursor: the system took that many bytes.
    mutating func wrote(_ count: Int) {
        precondition(count <= unwrittenCount, "more was written than there is")
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

    /// Forgets records that the peer has: `count` is how many of all records ever sealed.
    mutating func acknowledge(_ count: UInt64) throws(ProtocolViolation) {
        guard count >= acknowledgedRecords else { throw .malformed("an acknowledgement went back") }
        guard count <= sealedRecords else { throw .malformed("an acknowledgement of what was not sent") }
        while acknowledgedRecords < count {
            let block = blocks[0]
            guard block.start < block.end else {
                dropFirstBlock()
                continue
            }
            let record = RecordHeader.recordCount(at: block.base + block.start)
            guard acknowledgedBytes + UInt64(record) <= writtenBytes else {
                throw .malformed("an acknowledgement of what was not sent")
            }
            blocks[0].start += record
            acknowledgedRecords += 1
            acknowledgedBytes += UInt64(record)
        }
        if acknowledgedBytes == sealedBytes { reset() }
    }

    /// Everything is acknowledged: no block is needed.
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
    private static let shortestWorthwhile = 16 << 10
    /// A log that has filled so many small blocks is not quiet.
    private static let mostSmallBlocks = 2
}
