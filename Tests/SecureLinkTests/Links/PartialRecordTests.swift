import EventIO
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore
@testable import SecureLink

/// The network may cut records at any byte.
@Suite struct PartialRecordTests {
    @Test func recordsCutAtAnyByteAreDeliveredWhole() throws {
        let peer = try HandMadePeer()
        var sent: [UInt8] = []
        var pieces = [try peer.record(Say.open(1))]
        for cut in 0..<120 {
            let texts = [60, 1, 3].map {
                [UInt8](repeating: UInt8(truncatingIfNeeded: sent.count + $0), count: $0)
            }
            let said = try texts.flatMap { try peer.record(Say.data(1, $0)) }
            sent += texts.flatMap { $0 }
            pieces += [Array(said[..<cut]), Array(said[cut...])]
        }
        peer.say(pieces)
        #expect(peer.session.isOpen)
        #expect(try peer.delivered() == sent)
    }

    @Test(arguments: [1021, 4096, 40_000, 65_555, 65_556, 65_557, 131_000, 262_224, 300_000])
    func bulkInPiecesOfAnyLengthIsDeliveredWhole(piece: Int) throws {
        let peer = try HandMadePeer()
        var said = try peer.record(Say.open(1))
        var sent: [UInt8] = []
        let longest = RecordHeader.maxPlaintext - FrameHeader.count
        // All the credit of the stream.
        for (number, count) in [longest, longest, 100, longest, 60_000].enumerated() {
            let text = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* (number + 3)) }
            said += try peer.record(Say.data(1, text))
            sent += text
        }
        peer.say(
            stride(from: 0, to: said.count, by: piece).map { Array(said[$0..<min($0 + piece, said.count)]) }
        )
        #expect(peer.session.isOpen)
        let delivered = try peer.delivered()
        let isExact = delivered == sent
        #expect(isExact, "\(delivered.count) of \(sent.count) bytes")
    }

    /// Bytes of a partial record are delivered even if the link is lost meanwhile.
    @Test func bytesThatArrivedBeforeALossOfTheLinkAreDelivered() throws {
        let peer = try HandMadePeer()
        let text = (0..<60_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let said = try peer.record(Say.open(1)) + peer.record(Say.data(1, text))
        peer.say([Array(said[..<30_000]), said[30_000...] + [UInt8](repeating: 0xFF, count: 10_000)])
        #expect(peer.owner.detachments.count == 1 || peer.owner.end?.kind == .linkLost)
        let memory = peer.session.partial.bytes.baseAddress
        #expect(memory == nil, "a session without a link keeps no memory for records")
        let isExact = try peer.delivered() == text
        #expect(isExact)
    }

    /// A session frees the memory of its partial record when it is idle, and allocates it again when it needs it.
    @Test func anIdleSessionKeepsNoMemoryForRecords() throws {
        var partial = PartialRecord()
        let beginning: [UInt8] = [RecordHeader.traffic, 0, 0x40, 0, 9, 9]
        for _ in 0..<2 {
            beginning.withUnsafeBytes { partial.keep($0) }
            let missing = partial.missing.count
            #expect(missing == 0x4000 + RecordHeader.count - beginning.count)
            partial.rest()
            let kept = Array(partial.bytes)
            #expect(kept == beginning, "memory that holds bytes is kept")
            partial.took(missing)
            let isWhole = partial.isWhole
            #expect(isWhole)
            partial.clear()
            partial.rest()
            let memory = partial.bytes.baseAddress
            #expect(memory == nil)
        }
        [RecordHeader.traffic, 0].withUnsafeBytes { partial.keep($0) }
        let missing = partial.missing.count
        #expect(missing == 0, "the length of the record is not known")
    }
}

extension HandMadePeer {
    /// Sends the pieces one after another, each when the session has read the previous one.
    fileprivate func say(_ pieces: [[UInt8]]) {
        var rest = pieces[...]
        var timer: LoopTimer?
        timer = LoopTimer(loop) { [unowned self] in
            guard let piece = rest.popFirst() else { return loop.stop() }
            #expect(say(piece) == piece.count)
            timer?.schedule(after: .milliseconds(rest.isEmpty ? 5 : 1))
        }
        loop.refreshTime()
        timer?.schedule(after: .zero)
        loop.run()
        timer = nil
    }

    /// The bytes that the first stream has received.
    fileprivate func delivered() throws -> [UInt8] {
        try #require(owner.streams.first?.endpoint).delivered
    }
}
