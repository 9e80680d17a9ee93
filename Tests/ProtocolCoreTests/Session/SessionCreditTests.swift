import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

/// Credit: the bytes that the peer may send, and the bytes that it permits us to send.
@Suite struct SessionCreditTests {
    private let small = Session.Options(
        parameters: SessionParameters(maxRecord: 4096, streamWindow: 100, sessionWindow: 150)
    )

    @Test func aByteBeyondAStreamsCreditIsAViolation() throws {
        let bench = try SessionBench(options: small)
        try bench.say(Say.open(1) + Say.data(1, [UInt8](repeating: 1, count: 100)))
        bench.expectOpen()
        try bench.say(Say.data(1, [], end: false))
        bench.expectOpen()
        try bench.say(Say.data(1, [1]))
        try bench.expectClosed(.flowControl)
    }

    @Test func aByteBeyondTheSessionsCreditIsAViolation() throws {
        for last in [Say.data(3, [1]), Say.data(5, [1]), Say.message(1, [1])] {
            var options = small
            options.parameters.streamWindow = 150
            let bench = try SessionBench(options: options)
            // Windows may not grow, so the session's credit stays the same.
            bench.session.mayGrow = false
            try bench.say(
                Say.open(1) + Say.open(3) + Say.open(5) + Say.data(1, [UInt8](repeating: 1, count: 150))
            )
            bench.session.reset(try bench.handle(5), .cancelled, at: bench.now)
            bench.expectOpen()
            try bench.say(last)
            try bench.expectClosed(.flowControl)
        }
    }

    @Test func theEndOfAStreamNeedsNoCredit() throws {
        let bench = try SessionBench(options: small)
        try bench.say(Say.open(1) + Say.data(1, [UInt8](repeating: 1, count: 100)))
        try bench.say(Say.data(1, [], end: true))
        bench.expectOpen()
        #expect(bench.seen.last == .finished(1))
    }

    @Test func creditForBytesOfAReleasedStreamIsReturnedToTheSession() throws {
        let bench = try SessionBench(options: small)
        try bench.say(Say.open(1))
        bench.session.release(try bench.handle(1), at: bench.now)
        _ = try bench.takeRecords()
        var limit = UInt64(150)
        var sent = UInt64(0)
        for _ in 0..<20 {
            let count = Int(min(limit - sent, 100))
            try bench.say(Say.data(1, [UInt8](repeating: 1, count: count)))
            sent += UInt64(count)
            for frame in try bench.takeFrames() where frame.type == FrameType.window.rawValue {
                #expect(frame.stream == 0)
                limit = try #require(frame.payload.bigEndian)
            }
        }
        bench.expectOpen()
        #expect(sent >= 1500)
    }

    @Test func releasingAStreamReturnsTheCreditForItsUnreadBytes() throws {
        let bench = try SessionBench(options: small)
        for stream in stride(from: UInt32(1), to: 41, by: 2) {
            try bench.say(Say.open(stream) + Say.data(stream, [UInt8](repeating: 1, count: 90)))
            bench.session.release(try bench.handle(stream), at: bench.now)
            _ = try bench.takeRecords()
        }
        bench.expectOpen()
        expect(bench.session.receiveWindow.held == 0)
    }

    @Test(arguments: [0, 1, 2, 3, 7]) func noWindowFrameIsSentThatGivesNoCredit(size: UInt32) throws {
        let options = Session.Options(parameters: SessionParameters(streamWindow: size, sessionWindow: size))
        let bench = try SessionBench(options: options)
        var limits: [UInt32: UInt64] = [0: UInt64(size), 1: UInt64(size)]
        var sent = UInt64(0)
        try bench.say(Say.open(1))
        for step in 0..<40 {
            bench.session.mayGrow = step % 3 == 0
            let count = Int(min(limits[0] ?? 0, limits[1] ?? 0) - sent)
            try bench.say(
                Say.data(1, [UInt8](repeating: 1, count: min(count, 1000))) + Say.ping(UInt64(step))
            )
            sent += UInt64(min(count, 1000))
            if count > 0 { bench.session.consumed(min(count, 1000), on: try bench.handle(1)) }
            for frame in try bench.takeFrames() where frame.type == FrameType.window.rawValue {
                let limit = try #require(frame.payload.bigEndian)
                #expect(limit > limits[frame.stream, default: 0])
                limits[frame.stream] = limit
            }
            bench.pass(.milliseconds(200))
        }
    }

    @Test func creditIsSentWhenTheWindowMayGrowAgain() throws {
        var options = small
        options.parameters.streamWindow = 150
        let bench = try SessionBench(options: options)
        bench.session.mayGrow = false
        // One stalled stream has used up the whole credit of the session.
        try bench.say(Say.open(1) + Say.open(3) + Say.data(1, [UInt8](repeating: 1, count: 150)))
        #expect(try bench.takeFrames().allSatisfy { $0.type != FrameType.window.rawValue })
        bench.session.mayGrow = true
        #expect(try bench.takeFrames().contains { $0.type == FrameType.window.rawValue && $0.stream == 0 })
        try bench.say(Say.data(3, [UInt8](repeating: 1, count: 100)))
        bench.expectOpen()
    }

    @Test func theLargestCreditDoesNotOverflow() throws {
        let bench = try SessionBench(.client, peer: SessionParameters(streamWindow: 0, sessionWindow: 0))
        let handle = try bench.open()
        bench.session.setReady(handle)
        #expect(bench.nextSlotCount() == nil)
        try bench.say(Say.window(1, 1 << 31))
        #expect(bench.nextSlotCount() == nil)
        try bench.say(Say.window(0, 1 << 31) + Say.window(0, .max) + Say.window(1, .max))
        #expect((bench.nextSlotCount() ?? 0) > 0)
        bench.expectOpen()
    }

    @Test func theBudgetForUselessWindowsIsAHundred() throws {
        for useless in [Say.window(0, 0), Say.window(0, 1), Say.window(1, 0), Say.window(2, 0)] {
            let bench = try SessionBench()
            _ = try bench.open()
            try bench.say(Say.open(1))
            for _ in 0..<100 { try bench.say(useless) }
            bench.expectOpen()
            try bench.say(useless)
            try bench.expectClosed(.limit)
        }
    }

    @Test func theSessionSendsNoMoreThanItsCredit() throws {
        let bench = try SessionBench(.client, peer: SessionParameters(streamWindow: 100, sessionWindow: 150))
        let one = try bench.open()
        let two = try bench.open()
        bench.session.setReady(one)
        bench.session.setReady(two)
        var sent: [UInt32: Int] = [:]
        bench.session.beginSending(at: bench.now)
        while let slot = bench.session.nextSlot(atMost: .max) {
            sent[slot.stream.id.rawValue, default: 0] += slot.count
            bench.session.commit(slot, StreamFill(slot.count, .more))
        }
        bench.session.endSending()
        #expect(sent == [1: 100, 3: 50])
        try bench.say(Say.window(3, 200))
        #expect(bench.nextSlotCount() == nil)
        try bench.say(Say.window(0, 151))
        #expect(bench.nextSlotCount() == 1)
    }
}

extension SessionBench {
    /// The size of the slot that the session would hand out now; nil if it would hand out none.
    func nextSlotCount() -> Int? {
        session.beginSending(at: now)
        defer { session.endSending() }
        guard let slot = session.nextSlot(atMost: .max) else { return nil }
        session.commit(slot, StreamFill(0, .more))
        return slot.count
    }
}

extension [UInt8] {
    /// The bytes as a number, big-endian.
    var bigEndian: UInt64? { count == 8 ? reduce(0) { $0 << 8 | UInt64($1) } : nil }
}
