import Basics
import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

@Suite struct SessionTests {
    @Test(arguments: AEADBackend.usable)
    func aStreamCarriesBothDirectionsAndBothEnds(backend: AEADBackend) throws {
        var pair = try Pair(ciphers: recordCiphers(by: backend))
        pair.server.answer = 100_000
        _ = try #require(pair.client.open(sending: 300_000, thenEnd: true, at: pair.now))
        pair.settle()
        let atServer = try #require(pair.server.streams[1])
        let atClient = try #require(pair.client.streams[1])
        #expect(atServer.received == 300_000)
        #expect(atServer.hasEnded)
        #expect(atClient.received == 100_000)
        #expect(atClient.hasEnded)
        #expect(pair.server.requests[1] == StreamRequest(service: "echo", trace: "t"))
        #expect(pair.damage.isEmpty)
        #expect(pair.client.end == nil)
    }

    @Test(arguments: [1, 2, 3, 7, 64, 4096]) func bytesArriveWholeInChunksOfAnySize(chunk: Int) throws {
        var pair = try Pair(ciphers: recordCiphers(by: .libcrypto))
        pair.server.answer = 9_000
        for _ in 0..<3 { _ = pair.client.open(sending: 5_000, thenEnd: true, at: pair.now) }
        pair.settle(chunk: chunk)
        for id in [UInt32(1), 3, 5] {
            #expect(pair.server.streams[id]?.received == 5_000)
            #expect(pair.client.streams[id]?.received == 9_000)
            #expect(pair.client.streams[id]?.hasEnded == true)
        }
        #expect(pair.damage.isEmpty)
    }

    @Test func bothEndsAcknowledgeEverythingAndThenSendNothing() throws {
        var pair = try Pair()
        pair.server.answer = 1_000_000
        _ = pair.client.open(sending: 1_000_000, thenEnd: true, at: pair.now)
        pair.settle()
        pair.pass(.milliseconds(50))
        // An end does not acknowledge a record that carries only an acknowledgement; otherwise the exchange would never stop.
        #expect(pair.client.keptCount < 200)
        #expect(pair.server.keptCount < 200)
        var records = 0
        for _ in 0..<12 {
            pair.pass(.seconds(1))
            records += pair.client.pump(at: pair.now).count + pair.server.pump(at: pair.now).count
        }
        #expect(records == 0)
    }

    @Test func aStalledReaderHoldsItsOwnWindowAndSlowsNoOtherStream() throws {
        var pair = try Pair()
        for _ in 0..<40 { _ = pair.client.open(sending: 2_000_000, thenEnd: true, at: pair.now) }
        pair.server.takesAtOnce = true
        pair.settle()
        let stalled = (0..<39).map { UInt32($0 * 2 + 1) }
        #expect(stalled.allSatisfy { pair.server.streams[$0]?.received == 2_000_000 })

        var other = try Pair()
        var ids: [UInt32] = []
        for _ in 0..<40 {
            let handle = try #require(other.client.open(sending: 2_000_000, thenEnd: true, at: other.now))
            ids.append(handle.id.rawValue)
        }
        other.toServer += other.client.pump(at: other.now, limit: 1)
        other.deliver()
        // All streams but one stall: together they hold more than the session's initial window.
        for id in ids.dropLast() { other.server.stall(id, true) }
        other.settle()
        let last = try #require(ids.last)
        #expect(other.server.streams[last]?.received == 2_000_000)
        for id in ids.dropLast() {
            #expect(try #require(other.server.streams[id]).waiting <= 256 << 10)
        }
        for id in ids.dropLast() {
            other.server.stall(id, false)
            other.server.take(.max, of: id)
        }
        other.settle()
        #expect(ids.allSatisfy { other.server.streams[$0]?.received == 2_000_000 })
        #expect(other.damage.isEmpty)
    }

    @Test func keyUpdatesLoseNoBytes() throws {
        var options = Session.Options(parameters: SessionParameters())
        options.keyLimits = KeyLimits(records: 3, bytes: 1 << 40)
        var pair = try Pair(client: options, server: options, ciphers: recordCiphers(by: .libcrypto))
        pair.server.answer = 40_000
        for _ in 0..<20 {
            _ = pair.client.open(sending: 50_000, thenEnd: true, at: pair.now)
            pair.settle()
            pair.pass(.seconds(2))
        }
        #expect(pair.client.end == nil)
        #expect((0..<20).allSatisfy { pair.server.streams[UInt32($0 * 2 + 1)]?.received == 50_000 })
        #expect(pair.damage.isEmpty)
    }

    @Test func aLinkIsLostAfter45SecondsOfSilence() throws {
        var pair = try Pair()
        pair.settle()
        let asked = pair.now
        while pair.client.end == nil {
            let next = try #require(pair.client.nextTimeout)
            pair.now = max(pair.now, next)
            pair.client.session.handleTimeout(at: pair.now)
            pair.client.takeEvents()
            _ = pair.client.pump(at: pair.now)
        }
        #expect(pair.client.end == .linkLost(.silent))
        #expect(pair.now.duration(since: asked) == .seconds(45))
    }

    @Test func aCloseReachesThePeerWithItsReason() throws {
        var pair = try Pair()
        pair.server.answer = 10
        _ = pair.client.open(sending: 10, thenEnd: true, at: pair.now)
        pair.settle()
        pair.client.session.close(.shutdown, "going home")
        pair.client.takeEvents()
        #expect(pair.client.end == .byUs(.shutdown, "going home"))
        pair.settle()
        #expect(pair.server.end == .byPeer(.shutdown, "going home"))
    }

    @Test func aStreamOpenedWhileThePeerGoesAwayIsReportedAsNotProcessed() throws {
        var pair = try Pair()
        pair.settle()
        pair.server.session.goAway(.shutdown, "")
        let handle = try #require(pair.client.open(sending: 10, thenEnd: true, at: pair.now))
        pair.toServer = pair.client.pump(at: pair.now)
        pair.settle()
        #expect(pair.client.streams[handle.id.rawValue]?.resetCode == .notProcessed)
        #expect(pair.client.isSpent)
        #expect(pair.server.streams.isEmpty)
    }

    @Test func thePeerMayOpenMoreStreamsAsOthersEnd() throws {
        var options = Session.Options(parameters: SessionParameters(maxStreams: 8))
        options.keepAliveInterval = .seconds(1000)
        var pair = try Pair(client: options, server: options)
        var opened = 0
        for _ in 0..<100 {
            while let handle = pair.client.open(sending: 5, thenEnd: true, at: pair.now) {
                opened += 1
                #expect(pair.client.streams.count <= 8)
                _ = handle
            }
            pair.settle()
            for id in pair.client.streams.keys { pair.client.release(id, at: pair.now) }
            for id in pair.server.streams.keys { pair.server.release(id, at: pair.now) }
            pair.settle()
        }
        #expect(opened >= 800)
        #expect(pair.server.end == nil)
    }

    @Test func aRoundTripIsMeasured() throws {
        var pair = try Pair()
        pair.settle()
        pair.client.session.ping(at: pair.now)
        pair.toServer = pair.client.pump(at: pair.now)
        pair.now = pair.now.advanced(by: .milliseconds(30))
        pair.settle()
        #expect(pair.client.shortestRoundTrip == .zero)
    }
}
