import CryptoPrimitives
import Testing

@testable import ProtocolCore
@testable import SecureLink

/// A client's login, and the consequence of each failure.
@Suite struct LoginStateMachineTests {
    // MARK: - Ways that lead to a session

    @Test func aKnownCredentialLogsInWithOneHello() throws {
        let login = try LoginBench()
        #expect(login.start(login.people.alice) == [.share])
        #expect(try login.shared() == [.connect])
        #expect(login.connected() == [.startDeadline, .send])
        #expect(login.received(try login.answer()) == [.prove])
        #expect(!login.isOver)
        #expect(try login.proved() == [.establish])
        #expect(login.isOver)
        try expectAgreement(of: login)
    }

    @Test func aClientWithoutACredentialAsksForTheRealmFirst() throws {
        let login = try LoginBench()
        #expect(login.start(nil) == [.connect])
        try expectLoginAfterRetry(login)
    }

    @Test func aCredentialForAnotherRealmIsReplacedOnTheSameConnection() throws {
        let login = try LoginBench()
        #expect(login.start(login.people.abroad) == [.share])
        #expect(try login.shared() == [.connect])
        try expectLoginAfterRetry(login)
    }

    @Test func anAnswerIsTakenWithItsLastByteAndNotBefore() throws {
        let login = try LoginBench(at: .sentHello)
        let answer = try login.answer()
        for byte in answer.dropLast() { #expect(login.received([byte]) == []) }
        #expect(login.received(answer.suffix(1)) == [.prove])
        #expect(try login.proved() == [.establish])
    }

    @Test func whatFollowsTheServersHelloIsHandedOn() throws {
        let login = try LoginBench(at: .sentHello)
        let records: [UInt8] = [0xD1, 0x00, 0x07]
        #expect(login.received(try login.answer() + records) == [.prove])
        #expect(try login.proved() == [.establish])
        #expect(login.established?.received == records)
    }

    private func expectLoginAfterRetry(_ login: LoginBench) throws {
        let people = login.people
        #expect(login.connected() == [.startDeadline, .send])
        #expect(login.received(try login.answer()) == [.stretch(people.realm, people.cost)])
        #expect(login.stretched(people.alice) == [.share])
        #expect(try login.shared() == [.send])
        #expect(login.received(try login.answer()) == [.prove])
        #expect(try login.proved() == [.establish])
        #expect(login.isOver)
        try expectAgreement(of: login)
    }

    /// Expects that the server has the session that the client has.
    private func expectAgreement(of login: LoginBench) throws {
        let client = try #require(login.established)
        let server = try #require(try login.agreementOfServer())
        #expect(client.agreement.identity == login.people.alice.identity)
        #expect(client.agreement.secrets.sessionID.isEqual(to: server.secrets.sessionID))
        #expect(client.received.isEmpty)
    }

    // MARK: - The password

    @Test func aServerThatDoesNotKnowThePasswordIsNotAskedAtAnotherAddress() throws {
        let login = try LoginBench()
        login.hasMoreAddresses = true
        login.start(login.people.mistyped)
        try login.shared()
        login.connected()
        #expect(login.received(try login.answer()) == [.prove])
        #expect(try login.proved() == [.noteRefusal, .fail(.passwordRefused)])
        #expect(login.isOver)
        #expect(login.established == nil)
    }

    @Test func aShareThatCancelsOutIsARefusal() throws {
        let login = try LoginBench(at: .proving, hasMoreAddresses: true)
        #expect(login.proved(with: nil) == [.noteRefusal, .fail(.passwordRefused)])
    }

    @Test(arguments: [LoginBench.Stage.sentHello, .proving, .stretching, .sentSecondHello])
    func aRejectedPasswordIsNotTriedAtAnotherAddress(stage: LoginBench.Stage) throws {
        let login = try LoginBench(at: stage, hasMoreAddresses: true)
        let reject = Reject.message(.authentication)
        #expect(login.received(reject) == [.noteRefusal, .fail(.passwordRefused)])
    }

    // MARK: - Failures of one address

    /// Failures that a server's bytes cause, and which another address may not have.
    private static let answers: [(bytes: [UInt8], failure: LinkFailure)] = [
        (HandshakePeople.garbage, .incompatible("the server does not speak this protocol")),
        (HandshakePeople.tooMuch, .incompatible("message too long")),
        (
            HandshakeFrame.encode(.clientHello, body: []),
            .incompatible("unexpected message in the handshake")
        ),
        (
            HandshakeFrame.encode(.reject, body: [3, 1, 0, 0]),
            .incompatible("malformed message: reject")
        ),
        (Reject.message(.version), .incompatible("the server rejects this version of the protocol")),
        (Reject.message(.suite), .incompatible("the server accepts none of our suites")),
        (Reject.message(.busy), .rejected("busy")),
        (Reject.message(.busy, retryAfterSeconds: 7), .rejected("busy, try again after 7 s")),
        (Reject.message(.timeout), .rejected("timeout")),
        (Reject.message(.noSession), .rejected("no-session")),
        (Reject.message(RejectCode(rawValue: 200)), .rejected("code-200")),
    ]

    @Test(arguments: LoginBench.Stage.allCases)
    func aBadAnswerLeadsToTheNextAddressOrToTheEnd(stage: LoginBench.Stage) throws {
        for (bytes, failure) in Self.answers {
            let last = try LoginBench(at: stage)
            let other = try LoginBench(at: stage, hasMoreAddresses: true)
            if stage == .sharing || stage == .connecting {
                // There is no connection that bytes could come from.
                #expect(last.received(bytes) == [])
                #expect(!last.isOver)
            } else {
                let refusal: [LoginBench.Seen] = stage.hasStretched ? [.noteRefusal] : []
                #expect(last.received(bytes) == refusal + [.fail(failure)], "\(failure)")
                #expect(last.isOver && last.attempt == 0)
                #expect(other.received(bytes) == refusal + [.retry], "\(failure)")
                #expect(!other.isOver && other.attempt == 1)
            }
        }
    }

    @Test(arguments: LoginBench.Stage.allCases)
    func aConnectionThatEndsOrIsSilentLeadsToTheNextAddressOrToTheEnd(stage: LoginBench.Stage) throws {
        for failure in [LinkFailure.closed, .timeout] {
            let refusal: [LoginBench.Seen] = stage.hasStretched ? [.noteRefusal] : []
            let last = try LoginBench(at: stage)
            #expect(last.failed(failure) == refusal + [.fail(failure)])
            #expect(last.isOver)
            let other = try LoginBench(at: stage, hasMoreAddresses: true)
            #expect(other.failed(failure) == refusal + [.retry])
            #expect(!other.isOver)
        }
    }

    @Test func theBytesOfAnAnswerAreCountedFromItsFirstByteOn() throws {
        let login = try LoginBench(at: .sentHello)
        // A hello with so much behind it that a few bytes more are too many.
        let limit = 2 * (HandshakeFrame.headerCount + HandshakeFrame.maxBody)
        let answer = try login.answer()
        #expect(login.received(answer + [UInt8](repeating: 0xF5, count: limit - answer.count)) == [.prove])
        let more = [UInt8](repeating: 0, count: answer.count + 1)
        #expect(login.received(more) == [.fail(.incompatible("message too long"))])
    }

    @Test func aShareThatIsNotOnTheCurveLeadsToTheNextAddress() throws {
        let login = try LoginBench(at: .sentHello)
        var answer = try login.answer()
        let share = try #require(answer.firstRange(of: [0x00, 0x02, 0x00, 0x85, 0x04])?.upperBound)
        answer[share + 10] ^= 1
        #expect(login.received(answer) == [.fail(.incompatible("the key share is not on the curve"))])
    }

    @Test func aServerThatAsksForTheRealmTwiceIsLeft() throws {
        let login = try LoginBench(at: .askedForRealm)
        let retry = try login.answer()
        login.received(retry)
        login.stretched(login.people.alice)
        #expect(try login.shared() == [.send])
        let failure = LinkFailure.incompatible("the server sent the same kind of Retry twice")
        #expect(login.received(retry) == [.noteRefusal, .fail(failure)])
    }

    @Test func aServerThatAsksForACostOutOfRangeCausesNoStretching() throws {
        for cost in ["scrypt:14:8:1", "scrypt:21:8:1", "scrypt:15:8:2", ""] {
            let login = try LoginBench(at: .askedForRealm)
            let retry = Retry.realm(login.people.realm, cost: cost, nonce: [UInt8](repeating: 1, count: 16))
            let failure = LinkFailure.incompatible(
                "the server asks for an scrypt cost that is not accepted"
            )
            #expect(login.received(retry.encoded()) == [.fail(failure)], "\(cost)")
        }
    }

    // MARK: - Failures of all addresses

    @Test(arguments: LoginBench.Stage.allCases)
    func aFailureThatAnotherAddressCannotMendEndsTheLogin(stage: LoginBench.Stage) throws {
        for failure in [
            LinkFailure.failed("too many handshakes at once"), .unreachable("connect"), .unresolved("name"),
            .misconfigured("realm"),
        ] {
            let login = try LoginBench(at: stage, hasMoreAddresses: true)
            let refusal: [LoginBench.Seen] = stage.hasStretched ? [.noteRefusal] : []
            #expect(login.failed(failure) == refusal + [.fail(failure)])
            #expect(login.isOver)
        }
    }

    @Test func aRealmThatIsNotTheConfiguredOneEndsTheLogin() throws {
        let login = try LoginBench(pinnedRealm: Realm("configured"))
        login.hasMoreAddresses = true
        login.start(nil)
        login.connected()
        let failure = LinkFailure.misconfigured("the server's realm is not the one in `realm`")
        #expect(login.received(try login.answer()) == [.fail(failure)])
    }

    @Test func aServerOfAnotherApplicationHasRefusedNothing() throws {
        let login = try LoginBench(at: .askedForRealm, hasMoreAddresses: true)
        let people = login.people
        #expect(login.received(try login.answer()) == [.stretch(people.realm, people.cost)])
        // The shell stretches nothing for a realm that it does not accept.
        let failure = LinkFailure.otherApplication(people.realm.text)
        #expect(login.failed(failure) == [.fail(failure)])
    }

    // MARK: - The next address

    @Test func theNextAddressIsLoggedInAtFromTheBeginning() throws {
        let login = try LoginBench(at: .provingAgain, hasMoreAddresses: true)
        #expect(login.received(HandshakePeople.garbage) == [.noteRefusal, .retry])
        login.moveToNextServer()
        login.hasMoreAddresses = false
        #expect(login.start(login.people.alice) == [.share])
        #expect(try login.shared() == [.connect])
        #expect(login.connected() == [.startDeadline, .send])
        #expect(login.received(try login.answer()) == [.prove])
        #expect(try login.proved() == [.establish])
        try expectAgreement(of: login)
    }

    @Test func aRefusalIsNotNotedAgainForAnAddressThatAskedForNothing() throws {
        let login = try LoginBench(at: .stretching, hasMoreAddresses: true)
        #expect(login.failed(.closed) == [.noteRefusal, .retry])
        login.moveToNextServer()
        login.start(nil)
        login.connected()
        #expect(login.failed(.closed) == [.retry])
        #expect(login.attempt == 2)
    }

    @Test func resultsForAnEarlierAddressChangeNothing() throws {
        let login = try LoginBench(at: .sharing, hasMoreAddresses: true)
        #expect(login.failed(.timeout) == [.retry])
        login.start(login.people.alice)
        #expect(try login.shared(attempt: 0) == [])
        #expect(try login.shared() == [.connect])

        let proving = try LoginBench(at: .proving, hasMoreAddresses: true)
        proving.failed(.timeout)
        proving.moveToNextServer()
        proving.start(nil)
        proving.connected()
        proving.received(try proving.answer())
        #expect(proving.stretched(proving.people.mistyped, attempt: 0) == [])
        #expect(proving.stretched(proving.people.alice) == [.share])
        #expect(try proving.shared(attempt: 0) == [])
        #expect(try proving.shared() == [.send])
        #expect(proving.received(try proving.answer()) == [.prove])
        #expect(try proving.proved(attempt: 0) == [])
        #expect(try proving.proved() == [.establish])
    }
}
