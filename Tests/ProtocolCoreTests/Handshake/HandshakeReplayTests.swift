import CryptoPrimitives
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

/// Messages of another handshake, in the wrong direction or at the wrong time.
@Suite struct HandshakeReplayTests {
    let people: People

    init() throws {
        people = try People()
    }

    @Test func aReplayedHelloGetsAFreshAnswerThatTheOldFinishDoesNotFit() throws {
        let recorded = try HandshakeRun(people).run().sent
        var fresh = HandshakeRun(people)
        fresh.serverSeed = 0x52
        var server = fresh.makeServer()
        guard case .verify(let job) = try server.feed(#require(recorded[.hello])) else {
            Issue.record("no login")
            return
        }
        let answer = try server.answer(with: job.run())
        #expect(answer != recorded[.answer])
        #expect(throws: HandshakeFault.authentication) { try server.feed(#require(recorded[.finish])) }
    }

    @Test func aReplayedAnswerIsRefused() throws {
        let recorded = try HandshakeRun(people).run().sent
        var fresh = HandshakeRun(people)
        fresh.clientRandom = [UInt8](repeating: 0xC2, count: 32)
        fresh.middle = { $0 == .answer ? recorded[.answer] ?? [] : $1 }
        let outcome = try fresh.run()
        #expect(outcome.clientFault == .authentication)
        #expect(outcome.sent[.finish] == nil)
    }

    @Test func aMessageReflectedToItsSenderIsRefused() throws {
        let sent = try HandshakeRun(people, asksForRealm: true).run().sent
        for message in [HandshakeRun.Message.query, .hello, .finish] {
            var client = HandshakeRun(people).makeClient()
            _ = client.begin(with: (people.alice, try HandshakeRun.share(people.alice)))
            #expect(throws: HandshakeFault.unexpectedMessage) { try client.feed(#require(sent[message])) }
        }
        for message in [HandshakeRun.Message.retry, .answer] {
            var server = HandshakeRun(people).makeServer()
            #expect(throws: HandshakeFault.unexpectedMessage) { try server.feed(#require(sent[message])) }
        }
    }

    @Test func aMessageOutOfOrderIsRefused() throws {
        let sent = try HandshakeRun(people).run().sent
        var server = HandshakeRun(people).makeServer()
        #expect(throws: HandshakeFault.unexpectedMessage) { try server.feed(#require(sent[.finish])) }

        server = HandshakeRun(people).makeServer()
        guard case .verify(let job) = try server.feed(#require(sent[.hello])) else {
            Issue.record("no login")
            return
        }
        _ = try server.answer(with: job.run())
        #expect(throws: HandshakeFault.unexpectedMessage) { try server.feed(#require(sent[.hello])) }

        var client = HandshakeRun(people).makeClient()
        _ = client.begin(with: (people.alice, try HandshakeRun.share(people.alice)))
        guard case .prove = try client.feed(#require(sent[.answer])) else {
            Issue.record("no proof")
            return
        }
        #expect(throws: HandshakeFault.unexpectedMessage) { try client.feed(#require(sent[.answer])) }
    }

    @Test func anyByteWhileTheServerComputesIsRefused() throws {
        let sent = try HandshakeRun(people).run().sent
        for message in [HandshakeRun.Message.hello, .finish] {
            var server = HandshakeRun(people).makeServer()
            _ = try server.feed(#require(sent[.hello]))
            #expect(throws: HandshakeFault.unexpectedMessage) {
                try server.feed(Array(#require(sent[message]).prefix(1)))
            }
        }
    }

    @Test func theServersConfirmationIsNotAcceptedFromTheClient() throws {
        // The client reflects the server's own confirmation.
        var run = HandshakeRun(people)
        var answer: [UInt8] = []
        run.middle = { message, bytes in
            if message == .answer { answer = bytes }
            return message == .finish
                ? HandshakeFrame.encode(.clientFinish, body: Array(answer.suffix(64))) : bytes
        }
        #expect(try run.run().serverFault == .authentication)
    }

    @Test func messagesSwappedBetweenTwoHandshakesAreRefused() throws {
        // Two clients and one server: the attacker swaps the messages of the two handshakes.
        var first = HandshakeRun(people)
        first.clientRandom = [UInt8](repeating: 1, count: 32)
        var second = HandshakeRun(people)
        second.clientRandom = [UInt8](repeating: 2, count: 32)
        let (one, two) = try (first.run().sent, second.run().sent)
        for (run, other) in [(first, two), (second, one)] {
            var crossed = run
            crossed.middle = { $0 == .answer ? other[.answer] ?? [] : $1 }
            #expect(try crossed.run().clientFault == .authentication)
            crossed.middle = { $0 == .finish ? other[.finish] ?? [] : $1 }
            #expect(try crossed.run().serverFault == .authentication)
        }
    }
}
