import Basics
import ProtocolCoreTesting
import Testing
import Vocabulary
import WireCoding

@testable import ProtocolCore

/// The control frames of a session.
@Suite struct SessionControlTests {
    @Test func aStreamsBytesNeverPrecedeItsOpen() throws {
        let bench = try SessionBench(.client)
        _ = try bench.takeRecords()
        let first = try bench.open()
        bench.session.setReady(first)
        bench.session.beginSending(at: bench.now)
        let slot = bench.session.nextSlot(atMost: 10)
        let taken = try #require(slot)
        // A driver may open another stream while it fills a slot of the first.
        let second = try bench.open()
        bench.session.setReady(second)
        fill(taken)
        bench.session.commit(taken, StreamFill(taken.count, .drained))
        while let slot = bench.session.nextSlot(atMost: 10) {
            fill(slot)
            bench.session.commit(slot, StreamFill(slot.count, .drained))
        }
        bench.session.endSending()
        let frames = try bench.records(in: bench.takeBytes()).flatMap { $0 }
        #expect(frames.map(\.type) == [1, 2, 1, 2])
        #expect(frames.map(\.stream) == [1, 1, 3, 3])
    }

    @Test func aRecordBeginsWithThePendingAcknowledgement() throws {
        let bench = try SessionBench()
        try bench.say(Say.open(1))
        bench.session.reportOpen(try bench.handle(1), nil, at: bench.now)
        let records = try bench.takeRecords()
        #expect(records.first?.map(\.type) == [13, 5, 6])
    }

    @Test func aClosedSessionHasNoControlFrames() throws {
        let bench = try SessionBench(.client, peer: SessionParameters(sessionWindow: 0))
        _ = try bench.takeRecords()
        expect(!bench.session.hasControl)
        bench.session.close(.none)
        expect(!bench.session.hasControl)
    }

    @Test func aStalledLinkIsNotTheFaultOfThePeer() throws {
        // Nothing is written for a while, and the session opens a stream for every visitor.
        let bench = try SessionBench(.client, peer: SessionParameters(maxStreams: 1 << 20))
        var handles: [StreamHandle] = []
        while let handle = bench.session.open(StreamRequest(service: "echo"), at: bench.now) {
            handles.append(handle)
            #expect(handles.count < 200_000)
        }
        expect(!bench.session.canOpen)
        expect(bench.session.isOpen)
        for handle in handles { bench.session.release(handle, at: bench.now) }
        try bench.say(Say.ping(1) + Say.message(1, [1]))
        bench.expectOpen()
        _ = try bench.takeRecords()
        expect(bench.session.canOpen)
    }

    @Test func frequentPingsOfAnHonestPeerAreNoAttack() throws {
        var pair = try Pair()
        pair.settle()
        for _ in 0..<5000 {
            pair.client.session.ping(at: pair.now)
            pair.settle()
            pair.now = pair.now.advanced(by: .milliseconds(1))
        }
        #expect(pair.server.end == nil)
        #expect(pair.client.end == nil)
        expect(pair.client.session.shortestRoundTrip == .zero)
    }

    @Test func onlyTheAcceptingEndSendsOpenResultAndOnlyOnce() throws {
        let bench = try SessionBench()
        try bench.say(Say.open(1))
        bench.session.reportOpen(try bench.handle(1), nil, at: bench.now)
        bench.session.reportOpen(try bench.handle(1), .refused(111), at: bench.now)
        bench.session.reportOpen(try bench.open(), nil, at: bench.now)
        let results = try bench.takeFrames().filter { $0.type == FrameType.openResult.rawValue }
        #expect(results.map(\.payload) == [[0, 0, 0, 0, 0, 0]])
    }

    @Test func framesQueuedBeforeACloseAreSentBeforeIt() throws {
        let bench = try SessionBench()
        try bench.say(Say.open(1) + Say.open(3))
        bench.session.finish(try bench.handle(1))
        bench.session.reset(try bench.handle(3), .refused(0), at: bench.now)
        bench.session.close(.shutdown, "bye")
        let frames = try bench.records(in: bench.takeBytes()).flatMap { $0 }
        #expect(frames.map(\.type) == [13, 6, 2, 4, 8])
        #expect(frames.last?.payload == [0, 10] + Array("bye".utf8))
        bench.takeEvents()
        #expect(bench.end == .byUs(.shutdown, "bye"))
        // The session is over: it ignores everything and sends nothing.
        bench.forgetEvents()
        try bench.say(Say.open(5))
        bench.session.close(.shutdown)
        bench.session.linkEnded(at: bench.now)
        bench.takeEvents()
        #expect(bench.seen.isEmpty)
        #expect(try bench.takeRecords().isEmpty)
        expect(bench.session.open(StreamRequest(service: "echo"), at: bench.now) == nil)
    }

    @Test func afterGoAwayNewStreamsAreRefused() throws {
        let bench = try SessionBench()
        try bench.say(Say.open(1))
        bench.session.goAway(.shutdown, "soon")
        bench.session.goAway(.shutdown, "again")
        let goAways = try bench.takeFrames().filter { $0.type == FrameType.goAway.rawValue }
        #expect(goAways.map(\.payload) == [[0, 0, 0, 1, 0, 10] + Array("soon".utf8)])
        bench.forgetEvents()
        try bench.say(Say.open(3) + Say.data(3, [1]) + Say.data(1, [2]) + Say.data(3, [], end: true))
        #expect(bench.seen == [.data(1, [2])])
        let resets = try bench.takeFrames().filter { $0.type == FrameType.reset.rawValue }
        #expect(resets == [SessionBench.Frame(type: 4, flags: 0, stream: 3, payload: [1, 7])])
        bench.expectOpen()
    }

    @Test func afterAPeersGoAwayTheStreamsThatItHasSeenContinue() throws {
        let bench = try SessionBench(.client)
        let handles = try (0..<4).map { _ in try bench.open() }
        bench.session.reset(handles[3], .cancelled, at: bench.now)
        _ = try bench.takeRecords()
        try bench.say(Say.goAway(3))
        #expect(bench.seen == [.goAway(.shutdown), .reset(5, .notProcessed)])
        expect(!bench.session.canOpen)
        expect(bench.session.isSpent)
        expect(bench.session.open(StreamRequest(service: "echo"), at: bench.now) == nil)
        // The other streams continue.
        try bench.say(Say.data(1, [1]) + Say.data(3, [1]))
        #expect(bench.seen.count == 4)
    }

    @Test func aSessionStopsOpeningStreamsBeforeTheirNumbersOverflow() throws {
        let bench = try SessionBench(.client, peer: SessionParameters(maxStreams: .max))
        bench.session.nextStream = SessionLimits.lastStream - 2
        var opened = 0
        while let handle = bench.session.open(StreamRequest(service: "echo"), at: bench.now) {
            opened += 1
            bench.session.release(handle, at: bench.now)
            guard opened < 10 else { break }
        }
        #expect(opened == 2)
        expect(bench.session.isSpent)
        try bench.say(Say.ping(1))
        _ = try bench.takeRecords()
        bench.expectOpen()
    }

    @Test func aPeerMayAllowTheMaximumNumberOfStreams() throws {
        let bench = try SessionBench(.client, peer: SessionParameters(maxStreams: 0))
        expect(!bench.session.canOpen)
        try bench.say(Say.maxStreams(1))
        _ = try bench.open()
        expect(!bench.session.canOpen)
        try bench.say(Say.maxStreams(.max))
        expect(bench.session.canOpen)
        bench.expectOpen()
    }

    @Test func aBurstBeginsWithSmallRecordsAndGoesOnWithLargeOnes() throws {
        func sizes(_ bench: SessionBench, _ handle: StreamHandle, _ count: Int) throws -> [Int] {
            bench.session.setReady(handle)
            bench.session.beginSending(at: bench.now)
            var left = count
            while left > 0, let slot = bench.session.nextSlot(atMost: left) {
                fill(slot)
                left -= slot.count
                bench.session.commit(slot, StreamFill(slot.count, left == 0 ? .drained : .more))
            }
            bench.session.endSending()
            var sizes: [Int] = []
            var bytes = bench.takeBytes()[...]
            while bytes.count > 3 {
                let start = bytes.startIndex
                let count = Int(bytes[start + 1]) << 16 + Int(bytes[start + 2]) << 8 + Int(bytes[start + 3])
                sizes.append(count - 16)
                bytes = bytes.dropFirst(count + 4)
            }
            return sizes
        }
        let peer = SessionParameters(streamWindow: 1 << 30, sessionWindow: 1 << 30)
        let bench = try SessionBench(.client, peer: peer, ciphers: checksumCiphers)
        let handle = try bench.open()
        let first = try sizes(bench, handle, 400_000)
        #expect(first.prefix(10).allSatisfy { $0 <= 4096 })
        #expect(first.max() == SessionLimits.maxPlaintext)
        bench.pass(.milliseconds(900))
        #expect((try sizes(bench, handle, 200_000).max() ?? 0) > 4096)
        bench.pass(.milliseconds(1000))
        #expect(try sizes(bench, handle, 4000) == [4008])
    }

    @Test func aRecordIsNeverLongerThanThePeersLimit() throws {
        for most in [1024, 1025, 5000, 65536] as [UInt32] {
            var pair = try Pair(server: Session.Options(parameters: SessionParameters(maxRecord: most)))
            _ = pair.client.open(sending: 300_000, thenEnd: true, at: pair.now)
            pair.settle()
            #expect(pair.server.end == nil)
            #expect(pair.server.streams[1]?.received == 300_000)
        }
    }

    @Test func aSilentPeerIsPingedAndThenItsLinkIsLost() throws {
        let bench = try SessionBench()
        _ = try bench.takeRecords()
        try bench.say(Say.acknowledgement(1))
        bench.pass(.seconds(14))
        #expect(try bench.takeFrames().isEmpty)
        bench.pass(.seconds(1))
        #expect(try bench.takeFrames().map(\.type) == [6])
        // The session sends no second PING while one is unanswered.
        bench.pass(.seconds(15))
        #expect(try bench.takeFrames().isEmpty)
        bench.arrive([0xD1])
        bench.pass(.seconds(44))
        bench.expectOpen()
        bench.pass(.seconds(1))
        #expect(bench.end == .linkLost(.silent))
    }

    private func fill(_ slot: SendSlot) {
        for segment in slot.segments {
            guard let base = segment.base else { continue }
            UnsafeMutableRawBufferPointer(start: base, count: segment.count)
                .initializeMemory(as: UInt8.self, repeating: 7)
        }
    }
}
