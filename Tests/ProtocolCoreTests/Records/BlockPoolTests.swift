import Testing

@testable import ProtocolCore

@Suite struct BlockPoolTests {
    @Test func lentBytesAreCountedUntilTheyAreReturned() {
        let pool = BlockPool()
        let small = pool.borrow(.small)
        let large = pool.borrow(.large)
        #expect(pool.lentBytes == BlockPool.Size.small.count + BlockPool.Size.large.count)
        pool.giveBack(small, .small)
        #expect(pool.lentBytes == BlockPool.Size.large.count)
        pool.giveBack(large, .large)
        #expect(pool.lentBytes == 0)
    }

    /// The kernel copies more slowly to and from the beginning of a page (docs/decisions/0019).
    @Test func aBlockBeginsInTheMiddleOfAPage() {
        let pool = BlockPool()
        for size in [BlockPool.Size.small, .large] {
            let block = pool.borrow(size)
            #expect(UInt(bitPattern: block) % 4096 == 2048)
            pool.giveBack(block, size)
            pool.trim()
        }
    }

    @Test func theMostRecentlyUsedBlockIsLentFirst() {
        let pool = BlockPool()
        let blocks = (0..<3).map { _ in pool.borrow(.large) }
        for block in blocks { pool.giveBack(block, .large) }
        #expect(pool.borrow(.large) == blocks[2])
        #expect(pool.borrow(.large) == blocks[1])
        for block in blocks[1...] { pool.giveBack(block, .large) }
        pool.trim()
        #expect(pool.lentBytes == 0)
    }

    @Test func theBlocksOfABurstAreFreed() {
        let pool = BlockPool()
        let blocks = (0..<100).map { _ in pool.borrow(.small) }
        for block in blocks { pool.giveBack(block, .small) }
        #expect(pool.lentBytes == 0)
        pool.trim()
    }

    @Test func trimmingFreesTheBlocksNotUsedSinceTheLastTrim() {
        let pool = BlockPool()
        let blocks = (0..<5).map { _ in pool.borrow(.large) }
        for block in blocks { pool.giveBack(block, .large) }
        #expect(pool.keptBytes == 5 * BlockPool.Size.large.count)
        // This is the first trim, so all blocks count as used since the last one.
        pool.trimSpare()
        #expect(pool.keptBytes == 5 * BlockPool.Size.large.count)
        let needed = [pool.borrow(.large), pool.borrow(.large)]
        for block in needed { pool.giveBack(block, .large) }
        pool.trimSpare()
        #expect(pool.keptBytes == 2 * BlockPool.Size.large.count)
        pool.trimSpare()
        #expect(pool.keptBytes == 0)
    }
}
