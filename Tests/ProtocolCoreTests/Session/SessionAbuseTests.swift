import Basics
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

/// The abuse budgets of an authenticated peer, and the limits on the memory that it can make us hold.
@Suite struct SessionAbuseTests {
    @Test func uselessFramesShareABudgetOfAHundred() throws {
        let oddities: [(String, (SessionBench, Int) -> [UInt8])] = [
            ("empty DATA", { _, _ in Say.data(1, []) }),
            ("WINDOW that gives nothing", { _, _ in Say.window(0, 0) }),
            ("MAX_STREAMS that allows nothing", { _, _ in Say.maxStreams(1) }),
            ("unknown frames", { _, step in frame(UInt8(0x80 + step % 0x80)) }),
            ("GOAWAY again", { _, _ in Say.goAway(0) }),
            ("OPEN_RESULT again", { _, _ in Say.openResult(2) }),
            ("empty parts of a MESSAGE", { _, _ in Say.message(1, [], flags: 1) }),
        ]
        for (name, oddity) in oddities {
            let bench = try SessionBench()
            _ = try bench.open()
            // The first GOAWAY and OPEN_RESULT are legitimate, so they do not count.
            try bench.say(Say.open(1) + Say.goAway(0) + Say.openResult(2))
            for step in 0..<100 { try bench.say(oddity(bench, step)) }
            bench.expectOpen("\(name)")
            try bench.say(oddity(bench, 100))
            try bench.expectClosed(.limit, "\(name)")
        }
        let bench = try SessionBench()
        _ = try bench.open()
        try bench.say(Say.open(1) + Say.goAway(0) + Say.openResult(2))
        for step in 0..<101 {
            bench.expectOpen()
            try bench.say(oddities[step % oddities.count].1(bench, step))
        }
        try bench.expectClosed(.limit)
    }

    @Test func aHundredAndTwoKeyUpdatesAtOnceCloseTheSession() throws {
        let bench = try SessionBench()
        for _ in 0..<101 {
            bench.expectOpen()
            try bench.say(Say.keyUpdate())
            try bench.sealing.ratchet()
        }
        bench.expectOpen()
        try bench.say(Say.keyUpdate())
        try bench.expectClosed(.limit)
    }

    @Test func theBudgetForPingsIsABurstOfTwentyAndThenTenPerSecond() throws {
        let bench = try SessionBench()
        for token in 0..<UInt64(20) { try bench.say(Say.ping(token)) }
        for token in 0..<UInt64(50) {
            bench.pass(.milliseconds(100))
            try bench.say(Say.ping(token))
            _ = try bench.takeRecords()
        }
        bench.expectOpen()
        try bench.say(Say.ping(0))
        try bench.expectClosed(.limit)
    }

    @Test func aPeerThatDoesNotReadThePingAnswersIsClosed() throws {
        let bench = try SessionBench()
        _ = try bench.takeRecords()
        var sent = 0
        while bench.end == nil, sent < 1000 {
            try bench.say(Say.ping(1))
            bench.now = bench.now.advanced(by: .milliseconds(110))
            sent += 1
        }
        try bench.expectClosed(.limit)
        #expect(sent == 65)
    }

    @Test func unsolicitedPingAnswersAreIgnored() throws {
        let bench = try SessionBench()
        for token in 100..<UInt64(2000) { try bench.say(Say.ping(token, answer: true)) }
        bench.expectOpen()
        #expect(bench.seen.isEmpty)
    }

    @Test func theBudgetForEarlyResetsIsAThousand() throws {
        let bench = try SessionBench()
        var stream: UInt32 = 1
        func openAndReset() throws {
            try bench.say(Say.open(stream) + Say.reset(stream))
            if let handle = bench.handles[stream] { bench.session.release(handle, at: bench.now) }
            stream += 2
        }
        for _ in 0..<1000 { try openAndReset() }
        bench.expectOpen()
        bench.now = bench.now.advanced(by: .seconds(5))
        for _ in 0..<500 { try openAndReset() }
        bench.expectOpen()
        try openAndReset()
        try bench.expectClosed(.limit)
    }

    @Test func resetsOfOldStreamsHaveNoLimit() throws {
        let bench = try SessionBench()
        for round in 0..<UInt32(5) {
            let streams = (0..<1500).map { (round * 1500 + $0) * 2 + 1 }
            for stream in streams { try bench.say(Say.open(stream)) }
            bench.now = bench.now.advanced(by: .seconds(1))
            for stream in streams {
                try bench.say(Say.reset(stream))
                bench.session.release(try bench.handle(stream), at: bench.now)
            }
            _ = try bench.takeRecords()
        }
        bench.expectOpen()
    }

    @Test func aPeerThatExceedsMaxStreamsIsClosed() throws {
        let options = Session.Options(parameters: SessionParameters(maxStreams: 10))
        let bench = try SessionBench(options: options)
        for stream in 0..<UInt32(10) { try bench.say(Say.open(stream * 2 + 1)) }
        bench.expectOpen()
        try bench.say(Say.open(21))
        try bench.expectClosed(.limit)
    }

    @Test func aStreamMakesRoomForAnotherOnlyWhenItIsReleased() throws {
        let options = Session.Options(parameters: SessionParameters(maxStreams: 2))
        let bench = try SessionBench(options: options)
        try bench.say(Say.open(1) + Say.open(3) + Say.reset(1))
        #expect(try bench.takeFrames().allSatisfy { $0.type != FrameType.maxStreams.rawValue })
        bench.session.release(try bench.handle(1), at: bench.now)
        let granted = try bench.takeFrames().filter { $0.type == FrameType.maxStreams.rawValue }
        #expect(granted.map(\.payload) == [[0, 0, 0, 3]])
        try bench.say(Say.open(5))
        bench.expectOpen()
        try bench.say(Say.open(7))
        try bench.expectClosed(.limit)
    }

    @Test func aMillionTinyFramesDoNotOverfillTheEventQueue() throws {
        let bench = try SessionBench(ciphers: checksumCiphers)
        try bench.say(Say.open(1))
        let tiny = (0..<7000).flatMap { _ in Say.data(1, [1]) }
        for _ in 0..<150 {
            bench.forgetEvents()
            try bench.say(tiny)
            bench.session.consumed(7000, on: try bench.handle(1))
            _ = try bench.takeRecords()
        }
        bench.expectOpen()
        #expect(bench.maxEvents <= 1024 + 65536 / 9)
        expect(bench.session.events.capacity <= 16384)
    }

    @Test func recordsAreReadNoFasterThanTheirEventsAreTaken() throws {
        let bench = try SessionBench(ciphers: checksumCiphers)
        try bench.say(Say.open(1))
        var bytes: [UInt8] = []
        for _ in 0..<5000 { bytes += try bench.sealing.sealed(Say.data(1, [1])) }
        let consumed = bytes.withUnsafeMutableBytes { bench.session.receive($0, at: bench.now) }
        expect(bench.session.events.count <= 1024)
        #expect(consumed < bytes.count)
        // It reads none before the events have been taken.
        #expect(
            bytes.withUnsafeMutableBytes {
                bench.session.receive(UnsafeMutableRawBufferPointer(rebasing: $0[consumed...]), at: bench.now)
            } == 0
        )
        bench.takeEvents()
        bench.arrive(Array(bytes[consumed...]))
        #expect(bench.seen.count == 1 + 5000)
    }

    @Test func repeatedGoAwaysDoNotCauseRepeatedScansOfAllStreams() throws {
        let bench = try SessionBench(.client)
        for _ in 0..<1000 { _ = try bench.open() }
        try bench.say((0..<4000).flatMap { _ in Say.goAway(0) })
        try bench.expectClosed(.limit)
        #expect(bench.seen.count <= 1000 + 101)
    }

    @Test func aPeerThatOpensAndNeverReadsIsClosed() throws {
        let options = Session.Options(parameters: SessionParameters(maxStreams: 100))
        let bench = try SessionBench(options: options, ciphers: checksumCiphers)
        var stream: UInt32 = 1
        var held = 0
        // The peer opens the streams that it may open next. The session answers each in full, but the peer never reads.
        while bench.end == nil, stream < 1_000_000 {
            let batch = (0..<50).map { stream + $0 * 2 }
            try bench.say(batch.flatMap { Say.open($0) + Say.data($0, [], end: true) })
            for stream in batch {
                guard let handle = bench.handles[stream] else { continue }
                bench.session.reportOpen(handle, nil, at: bench.now)
                bench.session.finish(handle)
                bench.session.release(handle, at: bench.now)
            }
            stream += 100
            bench.forgetEvents()
            held = max(held, bench.session.control.count + bench.session.piggybacked.count)
        }
        guard case .violation(let code, _) = bench.end else {
            Issue.record("it went on")
            return
        }
        #expect(code == .limit)
        #expect(held <= 3 << 20)
        // Only the CLOSE is left to write, not all the unread answers.
        expect(bench.session.unwrittenCount < 1000)
    }

    @Test func messagesInAnyNumberOfPartsAreDropped() throws {
        let bench = try SessionBench()
        let part = Say.message(1, [UInt8](repeating: 1, count: 60_000), flags: 1)
        for id in 0..<200 as Range<UInt64> {
            try bench.say(id % 2 == 0 ? part : Say.message(id, [1], flags: 1))
            _ = try bench.takeRecords()
        }
        bench.expectOpen()
        expect(bench.session.heldCount == 0)
        #expect(!bench.seen.contains { $0 != .roundTrip })
    }

    @Test func aServiceNameWithControlCharactersIsRefused() throws {
        for name in ["a\nb", "\u{1B}[2J"] {
            let bench = try SessionBench()
            try bench.say(Say.open(1, name))
            try bench.expectClosed(.protocolError)
        }
        let bench = try SessionBench()
        expect(bench.session.open(StreamRequest(service: "a\nb"), at: bench.now) == nil)
    }
}
