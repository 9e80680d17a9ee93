import ProtocolCoreTesting
import Testing
import Vocabulary
import WireCoding

@testable import ProtocolCore

/// The outbound log in a session: it is bounded, and a full log never causes a deadlock.
@Suite struct SessionLogTests {
    private func options(log: Int) -> Session.Options {
        var options = Session.Options(
            parameters: SessionParameters(
                streamWindow: 8 << 20,
                sessionWindow: 16 << 20,
                features: .resume
            )
        )
        options.logBytes = log
        return options
    }

    @Test(arguments: [1, 4096, 100_000, 1 << 20, 4 << 20]) func twoEndsWithFullLogsDoNotDeadlock(
        log: Int
    ) throws {
        var pair = try Pair(client: options(log: log), server: options(log: log))
        let total = UInt64(max(log, 4096)) * 3
        for _ in 0..<8 { _ = pair.client.open(sending: total, thenEnd: true, at: pair.now) }
        pair.server.answer = total
        // Both ends send all they can before either receives anything.
        for _ in 0..<10_000 where pair.client.streams.values.contains(where: { !$0.isOver }) {
            pair.toServer += pair.client.pump(at: pair.now)
            pair.toClient += pair.server.pump(at: pair.now)
            pair.deliver()
            pair.pass(.milliseconds(20))
        }
        #expect(pair.server.streams.values.allSatisfy { $0.received == total && $0.hasEnded })
        #expect(pair.client.streams.values.allSatisfy { $0.received == total && $0.hasEnded })
        #expect(pair.client.end == nil && pair.server.end == nil)
        #expect(pair.damage.isEmpty)
    }

    @Test func twoLogsFullOfControlFramesDoNotDeadlock() throws {
        var pair = try Pair(client: options(log: 1 << 20), server: options(log: 1 << 20))
        pair.settle()
        func sendWithoutReceiving() {
            pair.toServer += pair.client.pump(at: pair.now)
            pair.toClient += pair.server.pump(at: pair.now)
        }
        // Both ends fill their logs with data, then with a large number of control frames, before either receives anything.
        for end in [pair.client, pair.server] {
            _ = end.open(sending: 3_000_000, thenEnd: true, at: pair.now)
        }
        sendWithoutReceiving()
        for end in [pair.client, pair.server] {
            for _ in 0..<12_000 { _ = end.open(sending: 0, thenEnd: true, at: pair.now) }
        }
        sendWithoutReceiving()
        expect(pair.client.keptCount > (1 << 20) + (32 << 10))
        expect(!pair.client.session.hasTurns)
        pair.settle()
        for _ in 0..<500 { pair.pass(.milliseconds(100)) }
        #expect(pair.client.end == nil && pair.server.end == nil)
        #expect(pair.client.streams.values.map(\.received).reduce(0, +) == 3_000_000)
        #expect(pair.server.streams.values.map(\.received).reduce(0, +) == 3_000_000)
    }

    @Test(arguments: [1, 5000, 1 << 20]) func theLogIsBoundedIfThePeerNeverAcknowledges(log: Int) throws {
        let bench = try SessionBench(
            .client,
            options: options(log: log),
            peer: SessionParameters(features: .resume),
            ciphers: checksumCiphers
        )
        let handles = try (0..<40).map { _ in try bench.open() }
        for handle in handles { bench.session.setReady(handle) }
        let reserve = max(16 << 10, log / 16)
        var step: UInt64 = 0
        for round in 0..<2000 {
            bench.session.beginSending(at: bench.now)
            while let slot = bench.session.nextSlot(atMost: .max) {
                bench.session.commit(slot, StreamFill(slot.count, .more))
            }
            bench.session.endSending()
            _ = bench.takeBytes()
            let kept = bench.session.keptCount
            #expect(kept <= max(4096, log) + reserve + 65556)
            guard kept <= max(4096, log) + reserve + 65556 else { return }
            // The peer keeps sending and never acknowledges a record.
            if round % 2 == 0 { bench.pass(.milliseconds(100)) }
            step += 1
            try bench.say(Say.window(0, 1 << 40 + step) + Say.window(1, 1 << 40 + step))
        }
        bench.expectOpen()
        // The session must not announce control frames that it cannot send: a driver would try again in an endless loop.
        expect(!bench.session.hasControl)
    }

    @Test func aTurnExceedsTheLogsBoundByAtMostOneRecord() throws {
        let log = 1 << 20
        let bench = try SessionBench(
            .client,
            options: options(log: log),
            peer: SessionParameters(streamWindow: 8 << 20, sessionWindow: 8 << 20, features: .resume),
            ciphers: checksumCiphers
        )
        let handle = try bench.open()
        bench.session.setReady(handle)
        bench.session.beginSending(at: bench.now)
        while let slot = bench.session.nextSlot(atMost: .max) {
            bench.session.commit(slot, StreamFill(slot.count, .more))
        }
        bench.session.endSending()
        expect(bench.session.keptCount >= log)
        expect(bench.session.keptCount <= log + 1024)
    }

    @Test func anAcknowledgementOfAnUnwrittenRecordIsRefused() throws {
        let bench = try SessionBench()
        bench.session.beginSending(at: bench.now)
        bench.session.endSending()
        try bench.say(Say.acknowledgement(1))
        try bench.expectClosed(.protocolError)
    }

    @Test func anAcknowledgementThatGoesBackOrTooFarIsRefused() throws {
        for (first, second) in [(1, 0), (2, 1), (2, 3), (2, UInt64.max)] as [(UInt64, UInt64)] {
            let bench = try SessionBench()
            _ = try bench.takeRecords()
            bench.session.control.ping(9)
            _ = try bench.takeRecords()
            try bench.say(Say.acknowledgement(first))
            bench.expectOpen()
            try bench.say(Say.acknowledgement(second))
            try bench.expectClosed(.protocolError)
        }
    }

    @Test func acknowledgementsAreSentByCountBySizeAndByTime() throws {
        func acknowledgements(_ bench: SessionBench) throws -> [UInt64] {
            try bench.takeRecords().flatMap { $0 }.filter { $0.type == 13 }.compactMap(\.payload.bigEndian)
        }
        let bench = try SessionBench()
        _ = try bench.takeRecords()
        for count in 1...63 { try bench.say(Say.message(UInt64(count), [])) }
        #expect(try acknowledgements(bench).isEmpty)
        try bench.say(Say.message(0, []))
        #expect(try acknowledgements(bench) == [64])
        try bench.say(Say.message(0, []))
        bench.pass(.milliseconds(19))
        #expect(try acknowledgements(bench).isEmpty)
        bench.pass(.milliseconds(1))
        #expect(try acknowledgements(bench) == [65])
        // A record that needs no acknowledgement gets none, until the session sends something else.
        for _ in 0..<500 { try bench.say([0, 0]) }
        bench.pass(.seconds(1))
        #expect(try acknowledgements(bench).isEmpty)
        bench.session.control.ping(5)
        #expect(try acknowledgements(bench) == [565])
        try bench.say(Say.open(1))
        for _ in 0..<4 { try bench.say(Say.data(1, [UInt8](repeating: 0, count: 65_000))) }
        #expect(try acknowledgements(bench).isEmpty)
        try bench.say(Say.data(1, [1, 2]) + [UInt8](repeating: 0, count: 5000))
        #expect(try acknowledgements(bench) == [571])
    }

    @Test func aFreedSessionReturnsItsBlocks() throws {
        let pool = BlockPool()
        do {
            let bench = try SessionBench(.client, pool: pool)
            let handle = try bench.open()
            bench.session.setReady(handle)
            bench.session.beginSending(at: bench.now)
            while let slot = bench.session.nextSlot(atMost: .max) {
                bench.session.commit(slot, StreamFill(slot.count, .more))
            }
            // The session is freed in the middle of a turn.
            #expect(pool.lentBytes > 0)
        }
        #expect(pool.lentBytes == 0)
    }

    @Test func anIdleSessionHoldsAtMostOneSmallBlock() throws {
        let pool = BlockPool()
        let bench = try SessionBench(.client, pool: pool)
        let handle = try bench.open()
        bench.session.setReady(handle)
        bench.session.beginSending(at: bench.now)
        while let slot = bench.session.nextSlot(atMost: .max) {
            bench.session.commit(slot, StreamFill(slot.count, .more))
        }
        bench.session.endSending()
        let records = try bench.records(in: bench.takeBytes()).count
        try bench.say(Say.acknowledgement(UInt64(records)) + Say.reset(1))
        bench.session.release(handle, at: bench.now)
        bench.pass(.milliseconds(50))
        _ = try bench.takeRecords()
        #expect(pool.lentBytes <= BlockPool.Size.small.count)
    }
}
