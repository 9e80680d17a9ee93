import Basics
import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary
import WireCoding

@testable import ProtocolCore

@Suite struct OutboundLogTests {
    @Test(arguments: Seeds.some(20)) func aRandomHistoryMatchesASimpleModel(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var bench = LogBench()
        // Some runs keep many records and some keep few.
        let writes = Int.random(in: 5...60, using: &random)
        let acknowledges = Int.random(in: 5...60, using: &random)
        for step in 0..<1000 {
            switch Int.random(in: 0..<200, using: &random) {
            case 0..<writes: bench.write(Int.random(in: 0...bench.log.unwrittenCount, using: &random))
            case 60..<60 + acknowledges:
                let written = bench.acknowledged...bench.writtenRecords
                try bench.acknowledge(UInt64.random(in: written, using: &random))
            case 120..<125: try bench.acknowledge(bench.writtenRecords)
            case 125..<128: bench.write(bench.log.unwrittenCount)
            case 126..<128 where random.chance(30):
                // The link is lost, and the peer says how many records it has received.
                let known = bench.acknowledged...bench.writtenRecords
                try bench.rewind(to: UInt64.random(in: known, using: &random))
            case 140..<143: bench.log.rest()
            case 128..<140:
                // The caller requests space and does not use it, and bytes may be written in between.
                _ = bench.log.space(atLeast: 1044, wanted: random.chance(50) ? 65556 : 4116)
                if random.chance(50) {
                    bench.write(Int.random(in: 0...bench.log.unwrittenCount, using: &random))
                }
                bench.log.dropUnusedSpace()
            default:
                let longest = random.chance(20) ? 65536 : 4096
                let count = random.chance(50) ? longest : Int.random(in: 1...longest, using: &random)
                bench.seal(count, wanted: random.chance(50) ? longest : count)
            }
            if step % 5 == 0 { bench.expectTheModel() }
        }
        bench.write(bench.log.unwrittenCount)
        try bench.acknowledge(bench.writtenRecords)
        expect(bench.log.keptCount == 0)
        #expect(bench.pool.lentBytes == 0)
    }

    @Test func anAcknowledgementBeyondTheSealedRecordsIsRefused() {
        var bench = LogBench()
        bench.seal(100, wanted: 100)
        bench.write(120)
        for count in [UInt64(2), .max] { bench.expectRefusal(of: count) }
    }

    @Test func anAcknowledgementOfAnIncompletelyWrittenRecordIsRefused() throws {
        var bench = LogBench()
        for _ in 0..<3 { bench.seal(100, wanted: 100) }
        bench.expectRefusal(of: 1)
        bench.write(119)
        bench.expectRefusal(of: 1)
        bench.write(1)
        try bench.acknowledge(1)
        bench.write(239)
        bench.expectRefusal(of: 3)
    }

    @Test func anAcknowledgementThatGoesBackIsRefused() throws {
        var bench = LogBench()
        for _ in 0..<3 { bench.seal(100, wanted: 100) }
        bench.write(360)
        try bench.acknowledge(2)
        try bench.acknowledge(2)
        for count in [UInt64(0), 1] { bench.expectRefusal(of: count) }
    }

    @Test func recordsThatThePeerHasNotReceivedAreWrittenAgain() throws {
        var bench = LogBench()
        for _ in 0..<5 { bench.seal(100, wanted: 100) }
        bench.write(4 * 120 + 7)
        try bench.acknowledge(1)
        try bench.rewind(to: 3)
        expect(bench.log.unwrittenCount == 2 * 120)
        bench.expectTheModel()
        // The peer may have sealed an older acknowledgement before the link was lost.
        try bench.log.acknowledge(2)
        expect(bench.log.acknowledgedRecords == 3)
        bench.write(240)
        try bench.log.acknowledge(5)
        expect(bench.log.keptCount == 0)
    }

    @Test func resumingAtAForgottenOrUnwrittenRecordIsRefused() throws {
        for count in [0, 1, 4, 5, .max] as [UInt64] {
            var bench = LogBench()
            for _ in 0..<4 { bench.seal(100, wanted: 100) }
            bench.write(3 * 120 + 119)
            try bench.acknowledge(2)
            #expect(throws: ProtocolViolation.self) { try bench.rewind(to: count) }
        }
    }

    @Test func aLogThatKeepsUntilWrittenFreesWrittenRecords() throws {
        var bench = LogBench(keeping: .untilWritten)
        for _ in 0..<50 { bench.seal(4096, wanted: 4096) }
        bench.write(4116 * 49 + 4115)
        expect(bench.log.keptCount == 4116)
        #expect(bench.pool.lentBytes <= 2 * BlockPool.Size.large.count)
        bench.expectRefusal(of: 50)
        bench.write(1)
        expect(bench.log.keptCount == 0)
        #expect(bench.pool.lentBytes == 0)
        // The peer acknowledges them nevertheless.
        try bench.acknowledge(7)
        try bench.acknowledge(50)
        bench.expectRefusal(of: 51)
    }

    @Test func anIdleLogShrinksToTheBytesThatItKeeps() throws {
        var bench = LogBench()
        for _ in 0..<4 { bench.seal(4096, wanted: 4096) }
        bench.seal(16, wanted: 4096)
        bench.write(4 * 4116)
        try bench.acknowledge(4)
        bench.log.rest()
        #expect(bench.pool.lentBytes > 1000)
        bench.write(36)
        bench.log.rest()
        #expect(bench.pool.lentBytes == BlockPool.Size.tiny.count)
        bench.expectTheModel()
        try bench.rewind(to: 4)
        bench.expectTheModel()
        bench.seal(4096, wanted: 4096)
        bench.expectTheModel()
        bench.write(36 + 4116)
        try bench.acknowledge(6)
        #expect(bench.pool.lentBytes == 0)
    }

    @Test func aFreedLogReturnsItsBlocks() {
        let pool = BlockPool()
        do {
            var log = OutboundLog(pool: pool, keeping: .untilAcknowledged)
            for _ in 0..<100 {
                guard let base = log.space(atLeast: 1044, wanted: 65556).baseAddress else { return }
                RecordHeader.write(plaintextCount: 1024, at: base)
                log.append(1044)
            }
            #expect(pool.lentBytes > 0)
        }
        #expect(pool.lentBytes == 0)
    }

    @Test func blocksAreFilledNearlyCompletely() {
        var bench = LogBench()
        for _ in 0..<400 { bench.seal(4096, wanted: 4096) }
        // Lent blocks hold little more than the kept bytes: the unused rest of a block is smaller than a small record.
        #expect(bench.pool.lentBytes < 400 * 4116 + 3 * BlockPool.Size.large.count)
    }
}

/// A log, and a model of it: all bytes that were ever sealed.
private struct LogBench: ~Copyable {
    let pool = BlockPool()
    var log: OutboundLog
    private var sealed: [UInt8] = []
    private var ends: [Int] = []
    private var written = 0
    private(set) var acknowledged: UInt64 = 0

    init(keeping: OutboundLog.Keeping = .untilAcknowledged) {
        log = OutboundLog(pool: pool, keeping: keeping)
    }

    /// The number of records that were written completely.
    private(set) var writtenRecords: UInt64 = 0

    mutating func seal(_ plaintext: Int, wanted: Int) {
        let count = plaintext + RecordHeader.overhead
        let space = log.space(atLeast: count, wanted: max(count, wanted))
        guard let base = space.baseAddress, space.count >= count else {
            Issue.record("no room for a record")
            return
        }
        let mark = UInt8(truncatingIfNeeded: ends.count)
        UnsafeMutableRawBufferPointer(rebasing: space[..<count])
            .initializeMemory(as: UInt8.self, repeating: mark)
        RecordHeader.write(plaintextCount: plaintext, at: base)
        sealed += UnsafeRawBufferPointer(start: base, count: count)
        ends.append(sealed.count)
        log.append(count)
    }

    mutating func write(_ count: Int) {
        log.wrote(count)
        written += count
        while writtenRecords < ends.count, ends[Int(writtenRecords)] <= written { writtenRecords += 1 }
    }

    mutating func acknowledge(_ count: UInt64) throws {
        try log.acknowledge(count)
        acknowledged = count
    }

    mutating func rewind(to count: UInt64) throws {
        try log.rewind(to: count)
        acknowledged = count
        written = count == 0 ? 0 : ends[Int(count) - 1]
        writtenRecords = count
    }

    mutating func expectRefusal(of count: UInt64, sourceLocation: SourceLocation = #_sourceLocation) {
        do {
            try log.acknowledge(count)
            Issue.record("\(count) was taken", sourceLocation: sourceLocation)
        } catch {
            #expect(error.code == .protocolError, sourceLocation: sourceLocation)
        }
    }

    func expectTheModel() {
        let forgotten = acknowledged == 0 ? 0 : ends[Int(acknowledged) - 1]
        #expect(log.sealedRecords == UInt64(ends.count))
        #expect(log.acknowledgedRecords == acknowledged)
        #expect(log.keptCount == sealed.count - forgotten)
        #expect(log.unwrittenCount == sealed.count - written)
        // The log shows the sealed and unwritten bytes in order, in as many segments as fit.
        withUnsafeTemporaryAllocation(of: MemorySegment.self, capacity: 4) { segments in
            let filled = log.unwritten(into: segments)
            var place = written
            for segment in segments[..<filled] {
                let shown = UnsafeRawBufferPointer(start: segment.base, count: segment.count)
                #expect(segment.count > 0)
                let isRight = sealed.withUnsafeBytes { sealed in
                    let rest = UnsafeRawBufferPointer(rebasing: sealed.dropFirst(place))
                    let expected = UnsafeRawBufferPointer(rebasing: rest.prefix(shown.count))
                    return ConstantTime.areEqual(shown, expected)
                }
                #expect(isRight)
                place += shown.count
            }
            #expect(filled == segments.count || place == sealed.count)
        }
    }
}
