import CryptoPrimitives
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

/// The client learns its realm from the server, and refuses unacceptable realms and costs.
@Suite struct HandshakeRealmTests {
    let people: People

    init() throws {
        people = try People()
    }

    @Test func aClientOfAnotherRealmLearnsTheRightOneAndLogsIn() throws {
        var run = HandshakeRun(people)
        run.login = try people.credential(realm: Realm("somewhere else"))
        let outcome = try run.run()
        #expect(outcome.steps.first == "server: retry")
        #expect(outcome.steps.contains("client: learn example.net#7c1f"))
        #expect(outcome.server != nil)
    }

    @Test func theRetryWithTheRealmDoesNotDependOnTheUser() throws {
        let elsewhere = try #require(Realm("somewhere else"))
        var answers: Set<[UInt8]> = []
        for user in ["alice", "mallory"] {
            var run = HandshakeRun(people)
            run.login = try people.credential(user: user, realm: elsewhere)
            answers.insert(try #require(run.run().sent[.retry]))
        }
        answers.insert(try #require(HandshakeRun(people, asksForRealm: true).run().sent[.retry]))
        #expect(answers.count == 1)
    }

    @Test func aRealmOtherThanThePinnedOneIsRefused() throws {
        for asksForRealm in [true, false] {
            var run = HandshakeRun(people, asksForRealm: asksForRealm)
            run.pinnedRealm = Realm("somewhere else")
            if !asksForRealm { run.login = try people.credential(realm: run.pinnedRealm) }
            let outcome = try run.run()
            #expect(outcome.clientFault == .realmDiffers)
            #expect(!outcome.steps.contains("server: verify"))
        }
        var run = HandshakeRun(people, asksForRealm: true)
        run.pinnedRealm = people.realm
        #expect(try run.run().server != nil)
    }

    @Test(arguments: [
        "scrypt:14:8:1", "scrypt:21:8:1", "scrypt:17:9:1", "scrypt:17:8:2", "scrypt:17:8:1 ", "", "argon2",
    ])
    func aCostOutsideOfTheAcceptedRangeIsRefused(cost: String) throws {
        var run = HandshakeRun(people, asksForRealm: true)
        let realm = people.realm
        run.middle = {
            guard $0 == .retry else { return $1 }
            return Retry.realm(realm, cost: cost, nonce: [UInt8](repeating: 1, count: 16)).encoded()
        }
        #expect(try run.run().clientFault == .unacceptableCost)
    }

    @Test func aForgedRealmFailsTheLoginAndIsNoGuess() throws {
        var run = HandshakeRun(people, asksForRealm: true)
        let forged = try #require(Realm("mallory's"))
        run.middle = {
            guard $0 == .retry else { return $1 }
            return Retry.realm(forged, cost: "scrypt:17:8:1", nonce: [UInt8](repeating: 1, count: 16))
                .encoded()
        }
        let outcome = try run.run()
        // The server sees another hint, but it sends its realm only once.
        #expect(outcome.serverFault == .repeatedRetry)
        #expect(!outcome.steps.contains("server: verify"))
    }

    @Test func theServerAnswersOneRealmQuery() throws {
        var server = HandshakeRun(people).makeServer()
        let query = try #require(HandshakeRun(people, asksForRealm: true).run().sent[.query])
        guard case .send = try server.feed(query) else {
            Issue.record("no answer")
            return
        }
        #expect(throws: HandshakeFault.repeatedRetry) { try server.feed(query) }
    }

    @Test func theClientAcceptsOneRetry() throws {
        let retry = try #require(HandshakeRun(people, asksForRealm: true).run().sent[.retry])
        var client = HandshakeRun(people).makeClient()
        _ = client.begin(with: nil)
        guard case .learn = try client.feed(retry) else {
            Issue.record("nothing learned")
            return
        }
        let share = try HandshakeRun.share(people.alice)
        _ = client.continue(with: people.alice, share: share)
        #expect(throws: HandshakeFault.repeatedRetry) { try client.feed(retry) }
        #expect(throws: HandshakeFault.unexpectedMessage) { try client.feed(retry) }
    }

    @Test func aHelloWithAnotherRandomAfterARetryIsRefused() throws {
        var server = HandshakeRun(people).makeServer()
        let outcome = try HandshakeRun(people, asksForRealm: true).run()
        guard case .send = try server.feed(#require(outcome.sent[.query])) else {
            Issue.record("no answer")
            return
        }
        let hello = try #require(outcome.sent[.hello])
        #expect(throws: HandshakeFault.malformed("random changed")) { try server.feed(hello.flipped(at: 20)) }
    }

    @Test func aTicketIsAnsweredOnceWithARetry() throws {
        var server = HandshakeRun(people).makeServer()
        let resume = try #require(HandshakeRun(people).run().sent[.hello]).with(mode: .ticket)
        guard case .send(let retry) = try server.feed(resume) else {
            Issue.record("no answer")
            return
        }
        #expect(retry.count == 8 + 18)
        #expect(throws: HandshakeFault.repeatedRetry) { try server.feed(resume) }
        var client = HandshakeRun(people).makeClient()
        _ = client.begin(with: nil)
        // A client that showed no ticket refuses this retry.
        #expect(throws: HandshakeFault.unexpectedMessage) { try client.feed(retry) }
    }

    @Test func aLoginHelloInResumeModeIsMalformed() throws {
        var server = HandshakeRun(people).makeServer()
        let hello = try #require(HandshakeRun(people).run().sent[.hello])
        #expect(throws: HandshakeFault.malformed("session")) { try server.feed(hello.with(mode: .resume)) }
    }
}

extension [UInt8] {
    /// A copy of the hello with another mode.
    func with(mode: HelloMode) -> [UInt8] {
        var copy = self
        copy[42] = mode.rawValue
        return copy
    }
}
