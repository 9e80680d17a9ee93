import Basics
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

/// Early RESETs: those of an honest end must never look like an attack to the other end.
@Suite struct SessionResetTests {
    @Test func threeThousandStreamsResetAtOnceDoNotEndTheSession() throws {
        var pair = try Pair()
        pair.settle()
        for _ in 0..<3000 {
            let handle = try #require(pair.client.open(sending: 10, thenEnd: false, at: pair.now))
            pair.settle()
            pair.client.reset(handle.id.rawValue, .cancelled, at: pair.now)
            pair.client.release(handle.id.rawValue, at: pair.now)
            pair.settle()
            release(at: &pair)
        }
        #expect(pair.server.end == nil)
        // The delayed RESETs have been sent too.
        for _ in 0..<10 {
            pair.pass(.milliseconds(300))
            release(at: &pair)
        }
        #expect(pair.client.end == nil)
        #expect(pair.server.streams.isEmpty)
    }

    @Test(arguments: [0, 1, 3, 20, 44]) func honestResetsAfterAStallAreNoAttack(
        seconds: Int
    ) throws {
        // Visitors connect, wait for a while and disconnect, all while the link is stalled.
        var pair = try Pair()
        pair.settle()
        for _ in 0..<3000 { _ = pair.client.open(sending: 10, thenEnd: false, at: pair.now) }
        pair.toServer += pair.client.pump(at: pair.now)
        pair.now = pair.now.advanced(by: .seconds(seconds))
        for id in pair.client.streams.keys.sorted() { pair.client.release(id, at: pair.now) }
        pair.toServer += pair.client.pump(at: pair.now)
        pair.settle()
        for _ in 0..<10 {
            release(at: &pair)
            pair.pass(.milliseconds(300))
        }
        #expect(pair.server.end == nil)
        #expect(pair.client.end == nil)
        #expect(pair.server.streams.isEmpty)
    }

    @Test func manyShortVisitsOverAnOccasionallyStalledLinkAreNoAttack() throws {
        var pair = try Pair()
        pair.settle()
        for round in 0..<200 {
            for _ in 0..<60 {
                let handle = try #require(pair.client.open(sending: 10, thenEnd: false, at: pair.now))
                pair.client.release(handle.id.rawValue, at: pair.now)
            }
            pair.toServer += pair.client.pump(at: pair.now)
            if round % 40 > 30 {
                pair.now = pair.now.advanced(by: .milliseconds(200))
            } else {
                pair.settle()
                release(at: &pair)
                pair.pass(.milliseconds(100))
            }
        }
        pair.settle()
        pair.pass(.seconds(2))
        #expect(pair.server.end == nil)
        #expect(pair.client.end == nil)
    }

    @Test func anOldStreamIsResetAtOnce() throws {
        var pair = try Pair()
        let handle = try #require(pair.client.open(sending: 10, thenEnd: false, at: pair.now))
        pair.settle()
        pair.pass(.seconds(2))
        pair.client.reset(handle.id.rawValue, .timeout, at: pair.now)
        pair.settle()
        #expect(pair.server.streams[1]?.resetCode == .timeout)
    }

    @Test func releasingAStreamThatBothEndsFinishedSendsNoReset() throws {
        let bench = try SessionBench()
        try bench.say(Say.open(1) + Say.data(1, [1], end: true))
        bench.session.finish(try bench.handle(1))
        bench.session.release(try bench.handle(1), at: bench.now)
        #expect(try bench.takeFrames().allSatisfy { $0.type != FrameType.reset.rawValue })
    }

    @Test func releasingAnUnfinishedStreamSendsAReset() throws {
        for ends in [0, 1, 2] {
            let bench = try SessionBench()
            try bench.say(Say.open(1) + (ends == 1 ? Say.data(1, [], end: true) : []))
            if ends == 2 { bench.session.finish(try bench.handle(1)) }
            bench.session.release(try bench.handle(1), at: bench.now)
            bench.session.release(try bench.handle(1), at: bench.now)
            let resets = try bench.takeFrames().filter { $0.type == FrameType.reset.rawValue }
            #expect(resets.map(\.payload) == [[1, 0]])
        }
    }

    @Test func simultaneousActionsOfBothEndsAreNoViolation() throws {
        // All combinations: both ends reset, one resets a stream that the other finishes, one writes to a released stream, …
        for first in 0..<4 {
            for second in 0..<4 {
                var pair = try Pair()
                let handle = try #require(pair.client.open(sending: 1000, thenEnd: false, at: pair.now))
                pair.settle()
                func act(_ end: SimulatedEnd, _ action: Int) {
                    switch action {
                    case 0: end.reset(handle.id.rawValue, .cancelled, at: pair.now)
                    case 1: end.release(handle.id.rawValue, at: pair.now)
                    case 2: end.send(5000, thenEnd: true, on: end.streams[1]?.handle ?? handle)
                    default: end.session.finish(end.streams[1]?.handle ?? handle)
                    }
                }
                act(pair.client, first)
                act(pair.server, second)
                pair.toServer += pair.client.pump(at: pair.now)
                pair.toClient += pair.server.pump(at: pair.now)
                pair.settle()
                pair.pass(.seconds(3))
                #expect(pair.client.end == nil && pair.server.end == nil, "\(first) and \(second)")
                #expect(pair.damage.isEmpty)
            }
        }
    }

    private func release(at pair: inout Pair) {
        for (id, stream) in pair.server.streams where stream.resetCode != nil {
            pair.server.release(id, at: pair.now)
        }
    }
}
