import CryptoPrimitives
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

/// A single changed bit makes a handshake fail: PROTOCOL.md, Transcript.
@Suite struct HandshakeTamperingTests {
    let people: People

    init() throws {
        people = try People()
    }

    @Test(arguments: [false, true]) func anUntouchedHandshakeIsAccepted(asksForRealm: Bool) throws {
        let outcome = try HandshakeRun(people, asksForRealm: asksForRealm).run()
        let client = try #require(outcome.client)
        let server = try #require(outcome.server)
        #expect(client.secrets.client.hex == server.secrets.client.hex)
        #expect(client.secrets.server.hex == server.secrets.server.hex)
        #expect(server.identity == people.alice.identity)
        #expect(!outcome.owesProof)
        #expect(outcome.sent.count == (asksForRealm ? 5 : 3))
    }

    @Test(arguments: [false, true]) func theMessagesHaveTheDocumentedSizes(asksForRealm: Bool) throws {
        let sent = try HandshakeRun(people, asksForRealm: asksForRealm).run().sent
        #expect(sent[.hello]?.count == 244)
        #expect(sent[.answer]?.count == 291)
        #expect(sent[.finish]?.count == 72)
        if asksForRealm {
            #expect(sent[.query]?.count == 87)
            #expect(sent[.retry]?.count == 57)
        }
    }

    @Test(arguments: [
        (HandshakeRun.Message.hello, false), (.answer, false), (.finish, false), (.query, true),
        (.retry, true),
        (.hello, true), (.answer, true), (.finish, true),
    ])
    func aFlippedBitInAnyByteIsNeverAccepted(message: HandshakeRun.Message, asksForRealm: Bool) throws {
        let count = try #require(HandshakeRun(people, asksForRealm: asksForRealm).run().sent[message]).count
        for index in 0..<count {
            var run = HandshakeRun(people, asksForRealm: asksForRealm)
            run.middle = { $0 == message ? $1.flipped(at: index) : $1 }
            let outcome = try run.run()
            #expect(outcome.server == nil, "byte \(index): the server established")
            // The client has accepted the server before it sends ClientFinish, so only the server detects a change of it.
            let clientMayAccept = message == .finish
            #expect((outcome.sent[.finish] == nil) == !clientMayAccept, "byte \(index): ClientFinish")
            #expect((outcome.client == nil) == !clientMayAccept, "byte \(index): the client established")
        }
    }

    @Test func anIncompleteMessageNeverEstablishes() throws {
        for message in HandshakeRun.Message.allCases {
            let count = try #require(HandshakeRun(people, asksForRealm: true).run().sent[message]).count
            for kept in stride(from: 0, to: count, by: 1) {
                var run = HandshakeRun(people, asksForRealm: true)
                run.middle = { $0 == message ? Array($1.prefix(kept)) : $1 }
                let outcome = try run.run()
                #expect(outcome.isStuck)
                #expect(outcome.server == nil)
            }
        }
    }

    @Test(arguments: Seeds.some(10)) func randomBytesInPlaceOfAMessageAreNeverAccepted(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for _ in 0..<20 {
            let message = HandshakeRun.Message.allCases[Int.random(in: 0..<5, using: &random)]
            let mode = Int.random(in: 0..<4, using: &random)
            let noise = (0..<Int.random(in: 1...400, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            var run = HandshakeRun(people, asksForRealm: true)
            run.middle = { which, bytes in
                guard which == message else { return bytes }
                switch mode {
                case 0: return noise
                case 1: return Array(bytes.prefix(8)) + noise.prefix(bytes.count - 8)
                case 2: return Array(bytes.prefix(noise.count % bytes.count)) + noise
                default: return bytes.flipped(at: noise.count % bytes.count)
                }
            }
            let outcome = try run.run()
            #expect(outcome.server == nil)
            #expect(message == .finish || outcome.client == nil)
        }
    }
}
