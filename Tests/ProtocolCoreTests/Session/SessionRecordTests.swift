import Basics
import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary
import WireCoding

@testable import ProtocolCore

/// Records that differ from those that the peer sealed, and keys that are used for too long.
@Suite struct SessionRecordTests {
    @Test func aFlippedBitInAnyByteLosesTheLinkAndCausesNoEvent() throws {
        let whole = try recorded()
        for index in whole.bytes.indices {
            let bench = try SessionBench()
            bench.arrive(whole.bytes.flipped(at: index))
            guard case .linkLost(let fault) = bench.end else {
                // If the length has become larger, the session waits for the rest of the record.
                #expect(bench.end == nil)
                expectPrefix(bench, of: whole, before: index)
                continue
            }
            #expect([.forgedRecord, .unknownKind(0), .recordLength(0)].contains(fault.kind))
            expectPrefix(bench, of: whole, before: index)
            #expect(try bench.takeRecords().isEmpty, "a lost link is not answered")
        }
    }

    @Test func recordsSwappedRepeatedDroppedOrReflectedLoseTheLink() throws {
        let records = try recorded().records
        for order in [[1], [0, 0], [0, 2], [1, 0], [0, 1, 1], [0, 1, 3], [2, 1, 0]] {
            let bench = try SessionBench()
            for index in order { bench.arrive(records[index]) }
            #expect(bench.end == .linkLost(.forgedRecord), "\(order)")
        }
        let bench = try SessionBench()
        let handle = try bench.open()
        _ = handle
        bench.session.beginSending(at: bench.now)
        bench.session.endSending()
        bench.arrive(bench.takeBytes())
        #expect(bench.end == .linkLost(.forgedRecord))
    }

    @Test func aRecordIsNotAcceptedAcrossAKeyUpdate() throws {
        for movesForward in [true, false] {
            let bench = try SessionBench()
            let first = try bench.sealing.sealed(Say.open(1))
            let update = try bench.sealing.sealed(Say.keyUpdate())
            try bench.sealing.ratchet()
            let second = try bench.sealing.sealed(Say.data(1, [1]))
            for record in movesForward ? [first, second, update] : [update, first, second] {
                bench.arrive(record)
            }
            #expect(bench.end == .linkLost(.forgedRecord))
            #expect(bench.seen.count <= 1)
        }
    }

    @Test func anIncompleteRecordCausesNoEvent() throws {
        let record = try SessionBench().sealing.sealing(Say.open(1))
        for count in 0..<record.count {
            let bench = try SessionBench()
            bench.arrive(Array(record.prefix(count)))
            bench.expectOpen()
            #expect(bench.seen.isEmpty)
            bench.session.linkEnded(at: bench.now)
            bench.takeEvents()
            #expect(bench.end == .linkLost(.ended))
        }
    }

    @Test func lengthsAtTheLimitsAreAcceptedAndLengthsBeyondThemLoseTheLink() throws {
        for (maxRecord, count, isTaken) in [
            (65536, 65536, true), (65536, 65537, false), (1024, 1024, true), (1024, 1025, false),
            (1024, 1, true),
        ] {
            var options = Session.Options(parameters: SessionParameters(maxRecord: UInt32(maxRecord)))
            options.keepAliveInterval = .seconds(1000)
            let bench = try SessionBench(options: options)
            try bench.say([UInt8](repeating: 0, count: count))
            #expect(bench.end == (isTaken ? nil : .linkLost(.recordLength(count + 16))))
        }
        for length in [0, 1, 15, 16] {
            let bench = try SessionBench()
            bench.arrive([0xD1, 0, 0, UInt8(length)])
            #expect(bench.end == .linkLost(.recordLength(length)))
        }
    }

    @Test func anUnknownKindLosesTheLinkAtItsFirstByte() throws {
        for kind in UInt8.min ... .max where kind != 0xD1 {
            let bench = try SessionBench()
            bench.arrive([kind])
            #expect(bench.end == .linkLost(.unknownKind(kind)))
        }
    }

    @Test func aPeerThatExceedsTheKeyLimitIsClosed() throws {
        for (limits, records, size) in [
            (KeyLimits(records: 5, bytes: 1 << 40), 10, 1),
            (KeyLimits(records: 1 << 40, bytes: 1000), 20, 80),
        ] {
            var options = Session.Options(parameters: SessionParameters())
            options.keyLimits = limits
            let bench = try SessionBench(options: options)
            for _ in 0..<records {
                bench.expectOpen()
                try bench.say([UInt8](repeating: 0, count: size))
            }
            bench.expectOpen()
            try bench.say([0])
            try bench.expectClosed(.keyLimit)
        }
    }

    @Test func aPeerThatUpdatesItsKeyInTimeStaysOpen() throws {
        var options = Session.Options(parameters: SessionParameters())
        options.keyLimits = KeyLimits(records: 5, bytes: 1 << 40)
        let bench = try SessionBench(options: options)
        for _ in 0..<20 {
            for _ in 0..<9 { try bench.say([0]) }
            try bench.say(Say.keyUpdate())
            try bench.sealing.ratchet()
            bench.pass(.seconds(1))
        }
        bench.expectOpen()
    }

    @Test func aSessionWithoutRecordNumbersSendsNothing() throws {
        let bench = try SessionBench()
        _ = try bench.takeRecords()
        bench.session.sealing.sequence = .max
        bench.session.ping(at: bench.now)
        bench.session.control.ping(1)
        #expect(try bench.takeRecords().isEmpty)
        bench.takeEvents()
        #expect(bench.end == .byUs(.internalError, "a record could not be sealed"))
        try bench.say(Say.open(1))
        #expect(bench.seen.isEmpty)
    }

    @Test func aViolationThatCannotBeReportedEndsTheSessionOnce() throws {
        let bench = try SessionBench()
        _ = try bench.takeRecords()
        bench.session.sealing.sequence = .max
        try bench.say(frame(0x0E))
        #expect(bench.end == .byUs(.internalError, "a record could not be sealed"))
    }

    @Test func aCipherFailureInTheMiddleOfATurnEndsTheSessionOnce() throws {
        let bench = try SessionBench(.client)
        let handle = try bench.open()
        bench.session.setReady(handle)
        bench.session.beginSending(at: bench.now)
        // The session hands out slots of several records only after a stream has filled a slot.
        bench.session.sendsBulk = true
        let slot = bench.session.nextSlot(atMost: .max)
        let given = try #require(slot)
        #expect(given.segments.count > 1)
        for segment in given.segments { memoryFill(segment.base, segment.count) }
        bench.session.sealing.sequence = .max
        bench.session.commit(given, StreamFill(given.count, .more))
        expect(bench.session.nextSlot(atMost: .max) == nil)
        bench.session.endSending()
        bench.takeEvents()
        #expect(bench.end == .byUs(.internalError, "a record could not be sealed"))
        #expect(try bench.takeRecords().isEmpty)
    }

    @Test(arguments: [4096, 65536])
    func eachBulkRecordFillsOneSegmentOfTheLoopback(chunk: Int) throws {
        var options = Session.Options(parameters: SessionParameters())
        options.chunk = chunk
        let bench = try SessionBench(.client, options: options, ciphers: checksumCiphers)
        let handle = try bench.open()
        bench.session.setReady(handle)
        try bench.say(Say.window(0, 1 << 30) + Say.window(UInt32(1), 1 << 30))
        var lengths: [Int] = []
        for _ in 0..<20 {
            bench.session.beginSending(at: bench.now)
            let slot = bench.session.nextSlot(atMost: 4 * 65464)
            let given = try #require(slot)
            for segment in given.segments { memoryFill(segment.base, segment.count) }
            bench.session.commit(given, StreamFill(given.count, .more))
            bench.session.endSending()
            var bytes = bench.takeBytes()[...]
            while bytes.count > RecordHeader.count {
                let length = bytes.prefix(RecordHeader.count).dropFirst().reduce(0) { $0 << 8 | Int($1) }
                lengths.append(RecordHeader.count + length)
                bytes = bytes.dropFirst(RecordHeader.count + length)
            }
        }
        let bulk = lengths.suffix(60)
        #expect(bulk.allSatisfy { (65400...65464).contains($0) }, "\(Set(bulk))")
    }

    @Test func aReceiverWithoutRecordNumbersAcceptsNothing() throws {
        let bench = try SessionBench()
        bench.session.opening.sequence = .max
        try bench.say(Say.open(1))
        #expect(bench.end != nil)
        #expect(bench.seen.isEmpty)
    }

    private struct Recorded {
        var records: [[UInt8]]
        var seen: [Int]
        var bytes: [UInt8] { records.flatMap { $0 } }
    }

    /// A few records of a client, and the number of events of a server after each of them.
    private func recorded() throws -> Recorded {
        let bench = try SessionBench()
        var recorded = Recorded(records: [], seen: [])
        for plaintext in [
            Say.open(1) + Say.data(1, Array("hello".utf8)), Say.message(9, [1, 2, 3]),
            Say.data(1, [UInt8](repeating: 5, count: 100), end: true), Say.open(3), Say.ping(5) + [0, 0, 0],
        ] {
            let record = try bench.sealing.sealed(plaintext)
            bench.arrive(record)
            recorded.records.append(record)
            recorded.seen.append(bench.seen.count)
        }
        return recorded
    }

    private func expectPrefix(_ bench: SessionBench, of whole: Recorded, before index: Int) {
        var end = 0
        var before = 0
        for (record, seen) in zip(whole.records, whole.seen) {
            end += record.count
            guard end <= index else { break }
            before = seen
        }
        #expect(bench.seen.count == before, "byte \(index)")
    }
}

private func memoryFill(_ base: UnsafeMutableRawPointer?, _ count: Int) {
    guard let base else { return }
    UnsafeMutableRawBufferPointer(start: base, count: count).initializeMemory(as: UInt8.self, repeating: 1)
}

extension LinkFault {
    /// The fault with its number set to 0.
    fileprivate var kind: LinkFault {
        switch self {
        case .unknownKind: .unknownKind(0)
        case .recordLength: .recordLength(0)
        default: self
        }
    }
}

extension DirectionKeys {
    /// Seals one record with a copy of the keys, so that the record number does not advance.
    func sealing(_ plaintext: [UInt8]) throws -> [UInt8] {
        var copy = self
        return try copy.sealed(plaintext)
    }
}
