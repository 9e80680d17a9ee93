import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

/// A session that loses its link and resumes on another one.
@Suite struct SessionLinksTests {
    private static let resuming = SessionParameters(features: .resume)

    private func bench(_ role: Session.Role = .server) throws -> SessionBench {
        try SessionBench(role, options: .init(parameters: Self.resuming), peer: Self.resuming)
    }

    private func pair(_ change: (inout Session.Options) -> Void = { _ in }) throws -> Pair {
        var options = Session.Options(parameters: Self.resuming)
        change(&options)
        return try Pair(client: options, server: options)
    }

    @Test func aSessionOutlivesItsLinkOnlyIfBothEndsWantIt() throws {
        for (ours, theirs) in [([], [.resume]), ([.resume], []), ([], [])]
            as [(SessionFeatures, SessionFeatures)]
        {
            let bench = try SessionBench(
                .server,
                options: .init(parameters: SessionParameters(features: ours)),
                peer: SessionParameters(features: theirs)
            )
            bench.session.linkEnded(at: bench.now)
            bench.takeEvents()
            #expect(bench.end == .linkLost(.ended))
        }
        let bench = try bench()
        bench.session.linkEnded(at: bench.now)
        bench.takeEvents()
        bench.expectOpen()
        #expect(bench.losses == [.ended])
        expect(!bench.session.isAttached && !bench.session.canOpen)
    }

    @Test func aSessionWithoutALinkSealsNothingAndDoesNotGrow() throws {
        let bench = try bench(.client)
        let stream = try bench.open()
        _ = bench.takeBytes()
        bench.session.linkEnded(at: bench.now)
        bench.takeEvents()
        let kept = bench.session.keptCount
        for _ in 0..<100 {
            bench.session.setReady(stream)
            bench.session.beginSending(at: bench.now)
            #expect(bench.session.nextSlot(atMost: 1000) == nil)
            bench.session.endSending()
            bench.session.ping(at: bench.now)
            #expect(bench.session.open(StreamRequest(service: "x"), at: bench.now) == nil)
            expect(!bench.session.hasControl && !bench.session.hasTurns)
            bench.pass(.seconds(1))
        }
        #expect(bench.takeBytes().isEmpty)
        expect(bench.session.keptCount == kept)
        expect(bench.session.queuedCount < 100)
    }

    @Test func unreceivedRecordsAreSentAgainByteForByte() throws {
        let bench = try bench(.client)
        for _ in 0..<3 { _ = try bench.open() }
        bench.session.beginSending(at: bench.now)
        bench.session.endSending()
        let first = bench.takeBytes()
        _ = try bench.open()
        bench.session.beginSending(at: bench.now)
        bench.session.endSending()
        let second = bench.takeBytes()
        bench.session.linkEnded(at: bench.now)
        let resent = try bench.session.resume(received: 1, at: bench.now)
        #expect(resent == second.count)
        let again = bench.takeBytes()
        #expect(again == second)
        // Once more, from a record that is no longer kept: the peer had acknowledged it, so its claim is false.
        bench.session.linkEnded(at: bench.now)
        #expect(throws: ProtocolViolation.self) { _ = try bench.session.resume(received: 0, at: bench.now) }
        bench.takeEvents()
        guard case .violation(let code, _) = bench.end else {
            Issue.record("ended with \(String(describing: bench.end))")
            return
        }
        #expect(code == .protocolError)
        #expect(!first.isEmpty)
    }

    @Test func aPeerThatClaimsUnwrittenRecordsEndsTheSession() throws {
        for received in [2, 3, .max] as [UInt64] {
            let bench = try bench(.client)
            bench.session.beginSending(at: bench.now)
            bench.session.endSending()
            _ = bench.takeBytes()
            _ = try bench.open()
            bench.session.beginSending(at: bench.now)
            bench.session.endSending()
            // The second record is sealed but not written.
            bench.session.linkEnded(at: bench.now)
            #expect(throws: ProtocolViolation.self) {
                _ = try bench.session.resume(received: received, at: bench.now)
            }
        }
    }

    @Test func anOldAcknowledgementInAResentRecordIsAllowed() throws {
        let bench = try bench()
        bench.session.beginSending(at: bench.now)
        bench.session.endSending()
        _ = bench.takeBytes()
        // The peer sealed this record before it had received one, and the record was lost. On the new link the peer then says
        // that it has received the first record.
        let old = try bench.sealing.sealed(Say.acknowledgement(0) + Say.open(1))
        bench.session.linkEnded(at: bench.now)
        bench.takeEvents()
        _ = try bench.session.resume(received: 1, at: bench.now)
        bench.arrive(old)
        bench.expectOpen()
        #expect(bench.seen == [.opened(1, "echo")])
        // The acknowledgements within records must still not go back.
        try bench.say(Say.acknowledgement(1))
        bench.expectOpen()
        try bench.say(Say.acknowledgement(0))
        #expect(bench.end != nil)
    }

    @Test func aSessionThatIsNotResumedInTimeEnds() throws {
        var pair = try pair { $0.resumeWindow = .seconds(30) }
        _ = pair.client.open(sending: 100, thenEnd: false, at: pair.now)
        pair.settle()
        pair.client.loseLink(at: pair.now)
        pair.pass(.seconds(29))
        #expect(pair.client.end == nil)
        pair.pass(.seconds(2))
        #expect(pair.client.end == .notResumed(.late))
    }

    @Test func aSilentLinkIsLostAndTheSessionLivesOn() throws {
        let bench = try bench()
        bench.pass(.seconds(46))
        #expect(bench.losses == [.silent])
        bench.expectOpen()
    }

    @Test func eachForgedRecordLosesALinkAndTheSixtyFifthEndsTheSession() throws {
        let bench = try bench()
        for count in 1...64 {
            bench.arrive([0xD1, 0, 0, 17] + [UInt8](repeating: 0, count: 17))
            #expect(bench.losses.count == count)
            _ = try bench.session.resume(received: bench.session.log.acknowledgedRecords, at: bench.now)
        }
        bench.expectOpen()
        bench.arrive([0x00])
        guard case .violation(let code, _) = bench.end else {
            Issue.record("ended with \(String(describing: bench.end))")
            return
        }
        #expect(code == .badRecord)
    }

    @Test func aLinkIsLostUnlessTheLivenessCheckIsAnswered() throws {
        let bench = try bench()
        bench.pass(.seconds(1))
        bench.session.checkLiveness(at: bench.now)
        bench.pass(.seconds(2))
        try bench.say(Say.open(1))
        bench.pass(.seconds(4))
        #expect(bench.losses.isEmpty)
        bench.session.checkLiveness(at: bench.now)
        bench.pass(.seconds(6))
        #expect(bench.losses == [.silent])
    }

    @Test func closingWaitsUntilThePeerHasAcknowledgedEverything() throws {
        var pair = try pair()
        pair.server.answer = 50_000
        _ = pair.client.open(sending: 1000, thenEnd: true, at: pair.now)
        pair.toServer += pair.client.pump(at: pair.now)
        pair.deliver()
        _ = pair.server.pump(at: pair.now)
        // The answer is in flight, and the server has released the stream.
        pair.server.releaseWhatIsOver(at: pair.now)
        expect(pair.server.session.streamCount == 0 && !pair.server.session.isFullyAcknowledged)
        pair.server.session.closeWhenAcknowledged(.shutdown)
        pair.server.takeEvents()
        #expect(pair.server.end == nil)
        // The link is lost together with the answer, and the session resumes on another one.
        pair.client.loseLink(at: pair.now)
        pair.server.loseLink(at: pair.now)
        pair.client.ask()
        pair.server.listen()
        pair.settle()
        pair.pass(.milliseconds(50))
        #expect(pair.client.streams[1]?.received == 50_000)
        #expect(pair.client.streams[1]?.hasEnded == true)
        #expect(pair.server.end == .byUs(.shutdown, ""))
        #expect(pair.client.end == .byPeer(.shutdown, ""))
        #expect(pair.damage.isEmpty)
    }

    @Test func closingDoesNotWaitIfEverythingIsAcknowledged() throws {
        var pair = try pair()
        pair.settle()
        pair.pass(.milliseconds(50))
        pair.server.session.closeWhenAcknowledged(.shutdown)
        pair.server.takeEvents()
        #expect(pair.server.end == .byUs(.shutdown, ""))
    }

    @Test func closingDoesNotWaitForALostGoAway() throws {
        var pair = try pair()
        pair.settle()
        pair.server.session.goAway(.shutdown)
        expect(pair.server.session.isFullyAcknowledged)
        // GOAWAY is in flight, and lost with the link.
        _ = pair.server.pump(at: pair.now)
        expect(pair.server.session.isFullyAcknowledged)
        pair.server.loseLink(at: pair.now)
        #expect(pair.server.end == nil)
        pair.server.session.closeWhenAcknowledged(.shutdown)
        pair.server.takeEvents()
        #expect(pair.server.end == .byUs(.shutdown, ""))
    }

    @Test func aWaitingResetIsNotFullyAcknowledged() throws {
        var pair = try pair()
        let stream = try #require(pair.client.open(sending: 10, thenEnd: false, at: pair.now))
        pair.settle()
        pair.pass(.milliseconds(50))
        expect(pair.client.session.isFullyAcknowledged)
        pair.client.session.reset(stream, .shutdown, at: pair.now)
        expect(!pair.client.session.isFullyAcknowledged)
        pair.settle()
        pair.pass(.milliseconds(50))
        expect(pair.client.session.isFullyAcknowledged)
    }

    @Test func anIdleSessionSendsOnlyPings() throws {
        var pair = try pair()
        pair.server.answer = 1000
        _ = pair.client.open(sending: 1000, thenEnd: true, at: pair.now)
        pair.settle()
        pair.pass(.seconds(1))
        let before = pair.client.session.log.sealedRecords + pair.server.session.log.sealedRecords
        pair.pass(.seconds(60))
        let after = pair.client.session.log.sealedRecords + pair.server.session.log.sealedRecords
        // Each end sends a PING every 15 seconds; with answers and acknowledgements that is the maximum.
        #expect(after - before <= 4 * 2 * 3, "\(after - before) records in an idle minute")
        #expect(pair.client.end == nil && pair.server.end == nil)
    }

    @Test func resetsQueuedWithoutALinkAreNoAttack() throws {
        var pair = try pair()
        for _ in 0..<3000 { _ = pair.client.open(sending: 0, thenEnd: false, at: pair.now) }
        pair.toServer += pair.client.pump(at: pair.now)
        pair.toServer = []
        pair.client.loseLink(at: pair.now)
        pair.server.loseLink(at: pair.now)
        for round in 0..<100 {
            for id in 1...30 { pair.client.reset(UInt32(round * 60 + id * 2 - 1), .cancelled, at: pair.now) }
            pair.pass(.seconds(1))
        }
        pair.client.ask()
        pair.server.listen()
        pair.settle()
        for _ in 0..<20 { pair.pass(.seconds(1)) }
        #expect(pair.client.end == nil && pair.server.end == nil)
        #expect(pair.server.streams.values.allSatisfy { $0.resetCode == .cancelled })
        #expect(pair.damage.isEmpty)
    }
}
