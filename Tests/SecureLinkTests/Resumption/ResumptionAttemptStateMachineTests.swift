import Testing

@testable import ProtocolCore
@testable import SecureLink

/// One attempt to resume a session: which server's word counts, and when the next address is tried.
@Suite struct ResumptionAttemptStateMachineTests {
    typealias Bench = ResumptionAttemptBench

    // MARK: - Ways that lead to a new link

    @Test func aServerThatHasTheSessionGivesItANewLink() throws {
        var attempt = Bench()
        #expect(attempt.start() == [.connect])
        let actions = try attempt.connected(isSessionsServer: true)
        #expect(try actions == [.startDeadline, .send(attempt.request().message)])
        let claim = try Bench.claim(in: attempt.request().message)
        let proof = try Bench.proof.get()
        #expect(claim.session == proof.id && claim.isProved(by: proof))
        #expect(claim.attempt == 1 && claim.received == Bench.received)
        #expect(!attempt.isOver)
        let answer = attempt.received(try attempt.answer())
        #expect(answer == [.attach(peerReceived: Bench.peerReceived, received: [])])
        #expect(attempt.isOver)
    }

    @Test func recordsBehindTheAnswerAreHandedOn() throws {
        var attempt = try Bench.asking(isSessionsServer: true)
        let records = [UInt8](repeating: 0xD1, count: 3000)
        let actions = attempt.received(try attempt.answer() + records)
        #expect(actions == [.attach(peerReceived: Bench.peerReceived, received: records)])
    }

    @Test func anAnswerIsTakenWithItsLastByteAndNotBefore() throws {
        var attempt = try Bench.asking(isSessionsServer: false)
        let answer = try attempt.answer()
        for byte in answer.dropLast() { #expect(attempt.received([byte]) == []) }
        let last = attempt.received(answer.suffix(1))
        #expect(last == [.attach(peerReceived: Bench.peerReceived, received: [])])
    }

    @Test func theNextAddressIsAskedWithARequestOfItsOwn() throws {
        var attempt = try Bench.asking(isSessionsServer: true, hasMoreAddresses: true)
        let stale = try attempt.answer()
        #expect(attempt.failed(.timeout) == [.close, .connect])
        #expect(attempt.received(stale) == [])
        let actions = try attempt.connected(isSessionsServer: false)
        #expect(try actions == [.startDeadline, .send(attempt.request().message)])
        // The request to the first address proves nothing here.
        var other = attempt
        #expect(other.received(stale) == [.close, .connect])
        let answer = attempt.received(try attempt.answer())
        #expect(answer == [.attach(peerReceived: Bench.peerReceived, received: [])])
    }

    // MARK: - The session is not there

    @Test(arguments: [true, false])
    func theSessionsOwnServerHasTheLastWord(hasMoreAddresses: Bool) throws {
        var attempt = try Bench.asking(isSessionsServer: true, hasMoreAddresses: hasMoreAddresses)
        let reject = Reject.message(.noSession)
        #expect(attempt.received(reject) == [.close, .fail(.sessionGone)])
        #expect(attempt.isOver)
    }

    @Test func anotherServerMayNeverHaveHadTheSession() throws {
        let reject = Reject.message(.noSession)
        var attempt = try Bench.asking(isSessionsServer: false, hasMoreAddresses: true)
        #expect(attempt.received(reject) == [.close, .connect])
        attempt.hasMoreAddresses = false
        try attempt.connected(isSessionsServer: false)
        #expect(attempt.received(reject) == [.close, .fail(.sessionElsewhere)])
        #expect(attempt.isOver)
    }

    @Test func theSessionsOwnServerIsHeardAfterAnother() throws {
        var attempt = try Bench.asking(isSessionsServer: false, hasMoreAddresses: true)
        attempt.received(Reject.message(.noSession))
        try attempt.connected(isSessionsServer: true)
        #expect(attempt.received(Reject.message(.noSession)) == [.close, .fail(.sessionGone)])
    }

    @Test func aConnectionToTheSessionsServerMakesNoOtherServerItsOwn() throws {
        var attempt = try Bench.asking(isSessionsServer: true, hasMoreAddresses: true)
        #expect(attempt.failed(.closed) == [.close, .connect])
        try attempt.connected(isSessionsServer: false)
        #expect(attempt.received(Reject.message(.noSession)) == [.close, .connect])
    }

    // MARK: - Failures of one address

    /// Answers of a server, and their meaning for the attempt.
    private static let answers: [(bytes: [UInt8], failure: LinkFailure)] = [
        (HandshakePeople.garbage, .incompatible("the server does not speak this protocol")),
        (HandshakePeople.tooMuch, .incompatible("unexpected message in the handshake")),
        (
            HandshakeFrame.encode(.reject, body: [3, 1, 0, 0]),
            .incompatible("malformed message: reject")
        ),
        (
            HandshakeFrame.magic + [1, 2, 0xFF, 0xFF],
            .incompatible("malformed message: message length")
        ),
        (
            HandshakeFrame.encode(.serverHello, body: []),
            .incompatible("malformed message: hello is too short")
        ),
        (
            Reject.message(.authentication),
            .incompatible("the server cannot prove that it has the session")
        ),
        (Reject.message(.version), .incompatible("the server rejects this version of the protocol")),
        (Reject.message(.suite), .incompatible("the server accepts none of our suites")),
        (Reject.message(.busy, retryAfterSeconds: 1), .rejected("busy, try again after 1 s")),
        (Reject.message(.timeout), .rejected("timeout")),
    ]

    @Test(arguments: [true, false])
    func aBadAnswerLeadsToTheNextAddressOrToTheEnd(isSessionsServer: Bool) throws {
        for (bytes, failure) in Self.answers {
            var last = try Bench.asking(isSessionsServer: isSessionsServer)
            #expect(last.received(bytes) == [.close, .fail(failure)], "\(failure)")
            #expect(last.isOver)
            var other = try Bench.asking(isSessionsServer: isSessionsServer, hasMoreAddresses: true)
            #expect(other.received(bytes) == [.close, .connect], "\(failure)")
            #expect(!other.isOver)
        }
    }

    @Test func aServerWithoutTheSessionsKeysIsNotBelieved() throws {
        let failure = LinkFailure.incompatible("the server cannot prove that it has the session")
        var attempt = try Bench.asking(isSessionsServer: true)
        #expect(attempt.received(try attempt.foreignAnswer()) == [.close, .fail(failure)])
    }

    @Test func theLongestMessageIsJudgedWithItsLastByte() throws {
        var attempt = try Bench.asking(isSessionsServer: true)
        let body = [UInt8](repeating: 0, count: HandshakeFrame.maxBody)
        let message = HandshakeFrame.encode(.serverHello, body: body)
        #expect(attempt.received(message.dropLast()) == [])
        let failure = LinkFailure.incompatible("no common version of the protocol")
        #expect(attempt.received(message.suffix(1) + body) == [.close, .fail(failure)])
    }

    @Test func aConnectionThatEndsOrIsSilentLeadsToTheNextAddressOrToTheEnd() throws {
        for failure in [LinkFailure.closed, .timeout, .failed("no random bytes")] {
            var last = try Bench.asking(isSessionsServer: true)
            #expect(last.failed(failure) == [.close, .fail(failure)])
            #expect(last.isOver)
            // Before the request and after it, and in the middle of an answer.
            var connecting = Bench(hasMoreAddresses: true)
            connecting.start()
            #expect(connecting.failed(failure) == [.close, .connect])
            var asking = try Bench.asking(isSessionsServer: true, hasMoreAddresses: true)
            #expect(asking.received(try asking.answer().prefix(100)) == [])
            #expect(asking.failed(failure) == [.close, .connect])
        }
    }

    // MARK: - No address is left

    @Test func anAttemptThatReachesNobodySaysWhy() {
        for failure in [LinkFailure.unreachable("connect: refused"), .unresolved("no such host")] {
            var attempt = Bench()
            attempt.start()
            #expect(attempt.connectingFailed(failure) == [.fail(failure)])
            #expect(attempt.isOver)
        }
    }

    @Test func whatTheLastServerAnsweredSaysMoreThanAnAddressThatIsNotReached() throws {
        var attempt = try Bench.asking(isSessionsServer: false, hasMoreAddresses: true)
        attempt.received(Reject.message(.noSession))
        var later = attempt
        #expect(attempt.connectingFailed(.unreachable("connect")) == [.fail(.sessionElsewhere)])
        try later.connected(isSessionsServer: false)
        later.received(Reject.message(.busy))
        #expect(later.connectingFailed(.unreachable("connect")) == [.fail(.rejected("busy"))])
    }
}
