import Basics
import CryptoPrimitives
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore
@testable import SecureLink

/// The fate of an unauthenticated client's link, and the price of each failure for the place that the link came from.
@Suite struct LinkAcceptanceStateMachineTests {
    typealias Bench = AcceptanceBench

    /// The text of a refusal after the server's proof, however the client goes away.
    private static let guess = "wrong password, or client disconnected before proving it"

    // MARK: - Ways that lead to a session

    @Test func aClientWithThePasswordLogsInWithOneHello() throws {
        let link = try Bench()
        let (alice, tag) = (link.people.alice.identity, link.people.alice.tag.bytes)
        #expect(link.admit() == [.setDeadline(Bench.end), .listen])
        let hello = link.received(try link.hello())
        #expect(
            hello == [.setDeadline(Bench.helloEnd), .pause, .setDeadline(Bench.end), .compute(tag: tag)]
        )
        #expect(link.claimedUser == "alice")
        try expectProof(of: link)
        #expect(link.received(try link.finish()) == [.establish(alice, tag: tag, received: [])])
        #expect(!link.isOver)
        link.settled()
        #expect(link.isOver)
        #expect(link.agreement?.identity == alice)
    }

    @Test func aClientThatDoesNotKnowTheRealmIsSentBackOnce() throws {
        let link = try Bench()
        let (alice, tag) = (link.people.alice.identity, link.people.alice.tag.bytes)
        link.admit()
        let retry = Retry.realm(
            link.people.realm,
            cost: link.people.cost.text,
            nonce: [UInt8](repeating: 0xAE, count: 16)
        )
        #expect(
            link.received(link.query()) == [
                .setDeadline(Bench.helloEnd), .setDeadline(Bench.end), .send(retry.encoded()),
            ]
        )
        #expect(link.claimedUser == nil)
        // The time of a hello is that of the first one: stretching takes longer.
        let hello = try link.secondHello()
        #expect(link.received(hello) == [.pause, .setDeadline(Bench.end), .compute(tag: tag)])
        try expectProof(of: link)
        #expect(link.received(try link.finish()) == [.establish(alice, tag: tag, received: [])])

        let other = try Bench(at: .sentRetry)
        #expect(
            other.received(try other.hello(other.people.abroad)) == [
                .refuse("garbage", "unexpected message", .garbage)
            ]
        )
    }

    @Test func aClientWithASessionIsHandedOverAfterOneHello() throws {
        let (hello, id) = try Bench.sessionHello()
        for admission in [HandshakeGate.Admission.anything, .sessionsOnly(loginAfterSeconds: 16)] {
            let link = try Bench()
            link.admit(as: admission)
            #expect(link.received(hello) == [.setDeadline(Bench.helloEnd), .resume(id)])
            #expect(!link.isOver)
            link.settled()
            #expect(link.isOver)
        }
    }

    @Test func whatFollowsTheClientsProofIsHandedOn() throws {
        let link = try Bench(at: .sentProof)
        let (alice, tag) = (link.people.alice.identity, link.people.alice.tag.bytes)
        let records = [UInt8](repeating: 0xD1, count: 3000)
        let finish = try link.finish()
        #expect(link.received(Array(finish.prefix(71))) == [])
        let rest = finish.suffix(1) + records
        #expect(link.received(Array(rest)) == [.establish(alice, tag: tag, received: records)])
    }

    @Test func onlyTheFirstByteOfAHelloSetsItsTimeLimit() throws {
        let link = try Bench()
        link.admit()
        let hello = try link.hello()
        link.now = Bench.start + .seconds(2)
        #expect(link.received([hello[0]]) == [.setDeadline(Bench.start + .seconds(5))])
        link.now = Bench.start + .seconds(4)
        for byte in hello[1...].dropLast() { #expect(link.received([byte]) == []) }
        let tag = link.people.alice.tag.bytes
        #expect(
            link.received(hello.suffix(1)) == [.pause, .setDeadline(Bench.end), .compute(tag: tag)]
        )
    }

    @Test func theTimeLimitOfAHelloIsNotLaterThanThatOfTheHandshake() throws {
        let late = try Bench(at: .listening)
        late.now = Bench.start + .seconds(9)
        #expect(late.received([0xF5]) == [.setDeadline(Bench.end)])
        let short = try Bench()
        let end = Bench.start + .seconds(1)
        #expect(short.admit(timeout: .seconds(1)) == [.setDeadline(end), .listen])
        #expect(short.received([0xF5]) == [.setDeadline(end)])
    }

    private func expectProof(of link: Bench) throws {
        let actions = try link.computed()
        guard case .send(let proof) = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(proof[5] == HandshakeKind.serverHello.rawValue)
        #expect(actions.dropFirst() == [.read])
    }

    // MARK: - What the gate says

    @Test func aLinkThatTheGateRefusesIsToldNothing() throws {
        let link = try Bench()
        #expect(link.admit(as: .nothing("too many handshakes")) == [.refuse("busy", "too many handshakes")])
        #expect(link.isOver)
    }

    @Test func aLinkWithoutRandomBytesIsRefused() throws {
        let link = try Bench()
        #expect(link.admitWithoutRandomBytes() == [.refuse("internal", "no random bytes")])
    }

    @Test func aLoginWhereOnlySessionsAreServedIsToldWhenToComeAgain() throws {
        for asksForRealm in [true, false] {
            let link = try Bench()
            let admission = HandshakeGate.Admission.sessionsOnly(loginAfterSeconds: 16)
            // The proof of a session is the first message.
            #expect(link.admit(as: admission) == [.setDeadline(Bench.helloEnd), .listen])
            let hello = asksForRealm ? link.query() : try link.hello()
            #expect(
                link.received(hello) == [
                    .setDeadline(Bench.helloEnd), .send(Reject.message(.busy, retryAfterSeconds: 16)),
                    .refuse("busy", "too many failures from this address"),
                ]
            )
            #expect(link.isOver)
        }
    }

    @Test func aSessionThatIsNotHereIsToldSo() throws {
        let link = try Bench(at: .listening)
        link.received(try Bench.sessionHello().message)
        #expect(
            link.failed(.noSession) == [
                .send(Reject.message(.noSession)),
                .refuse("no-session", "unknown session"),
            ]
        )
        #expect(link.isOver)
    }

    // MARK: - Wrong passwords

    @Test func aWrongProofIsAWrongGuess() throws {
        for isKnown in [true, false] {
            let link = try Bench(at: .listening)
            let credential = isKnown ? link.people.mistyped : link.people.carol
            link.received(try link.hello(credential))
            #expect(link.claimedUser == (isKnown ? "alice" : nil))
            try expectProof(of: link)
            let finish = HandshakeFrame.encode(.clientFinish, body: [UInt8](repeating: 7, count: 64))
            #expect(
                link.received(finish) == [
                    .send(Reject.message(.authentication)),
                    .refuse("password", "wrong password", .wrongGuess),
                ]
            )
        }
    }

    @Test func theClientOfAWrongPasswordFindsOutFromTheServersProof() throws {
        let link = try Bench(at: .listening)
        link.received(try link.hello(link.people.mistyped))
        try expectProof(of: link)
        #expect(throws: HandshakeFault.authentication) { try link.finish() }
        #expect(link.closed() == [.refuse("password", Self.guess, .wrongGuess)])
        #expect(link.claimedUser == "alice")
    }

    @Test func aShareThatCancelsOutIsAWrongGuess() throws {
        let link = try Bench(at: .computing)
        #expect(
            link.computedNothing() == [
                .send(Reject.message(.authentication)),
                .refuse("password", "wrong password", .wrongGuess),
            ]
        )
    }

    @Test(arguments: [false, true])
    func aClientThatHasSeenTheProofHasGuessedHoweverItGoesAway(asksForRealm: Bool) throws {
        func expectGuess(_ sent: [Bench.Seen], _ input: (Bench) -> [Bench.Seen]) throws {
            let link = try Bench(at: .sentProof, asksForRealm: asksForRealm)
            #expect(input(link) == sent + [.refuse("password", Self.guess, .wrongGuess)])
            #expect(link.isOver)
        }
        try expectGuess([]) { $0.closed() }
        try expectGuess([.send(Reject.message(.timeout))]) { $0.timedOut() }
        try expectGuess([]) { $0.received(HandshakePeople.garbage) }
        try expectGuess([]) { $0.received(HandshakePeople.tooMuch) }
        try expectGuess([]) { $0.failed("out of descriptors") }
    }

    // MARK: - Garbage

    /// First bytes that are refused, with what the log says of them.
    private static let garbage: [(bytes: [UInt8], text: String)] = [
        (HandshakePeople.garbage, "not this protocol"),
        ([0xF5, 0x53, 0x4C, 0x58], "not this protocol"),
        (HandshakeFrame.magic + [1, 99], "malformed message: unknown message"),
        (HandshakeFrame.magic + [1, 1, 0xFF, 0xFF], "malformed message: message length"),
        (HandshakeFrame.encode(.clientHello, body: []), "malformed message: hello is too short"),
        (
            HandshakeFrame.encode(.clientFinish, body: [UInt8](repeating: 0, count: 64)),
            "unexpected message"
        ),
        (Reject.message(.busy), "unexpected message"),
        (HandshakePeople.tooMuch, "too many bytes in the handshake"),
    ]

    @Test func garbageIsToldNothing() throws {
        for (bytes, text) in Self.garbage {
            let link = try Bench(at: .listening)
            #expect(
                link.received(bytes) == [
                    .setDeadline(Bench.helloEnd), .refuse("garbage", text, .garbage),
                ]
            )
            #expect(link.isOver && link.claimedUser == nil)
            let second = try Bench(at: .sentRetry)
            #expect(second.received(bytes) == [.refuse("garbage", text, .garbage)])
        }
    }

    @Test func aHelloWithBytesBehindItHasNoPlace() throws {
        let link = try Bench(at: .listening)
        let expected: [Bench.Seen] = [
            .setDeadline(Bench.helloEnd), .refuse("garbage", "unexpected message", .garbage),
        ]
        #expect(link.received(try link.hello() + [0]) == expected)
    }

    @Test func aHelloWithoutACommonVersionOrSuiteIsToldSo() throws {
        let link = try Bench(at: .listening)
        var hello = try link.hello()
        let firstVersion = HandshakeFrame.headerCount + 32
        hello[firstVersion] = 2
        hello[firstVersion + 1] = 3
        #expect(
            link.received(hello).dropFirst() == [
                .send(Reject.message(.version)), .refuse("version", "no common version of the protocol"),
            ]
        )
        let other = try Bench()
        other.admit(suites: [.integrityOnly])
        #expect(
            other.received(try other.hello()).dropFirst() == [
                .send(Reject.message(.suite)), .refuse("suite", "no common suite"),
            ]
        )
    }

    // MARK: - The end of a link and of its time

    @Test(arguments: Bench.Stage.allCases)
    func aLinkThatEndsIsToldNothing(stage: Bench.Stage) throws {
        let expected: Bench.Seen =
            switch stage {
            case .listening: .refuse("closed", "closed during the handshake", .silence)
            case .sentProof: .refuse("password", Self.guess, .wrongGuess)
            case .hearing, .sentRetry, .computing, .settling: .refuse("closed", "closed during the handshake")
            }
        let link = try Bench(at: stage)
        #expect(link.closed() == [expected])
        #expect(link.isOver)
    }

    @Test(arguments: Bench.Stage.allCases)
    func aTimeLimitIsToldToWhoeverHasSaidHello(stage: Bench.Stage) throws {
        let reject = Bench.Seen.send(Reject.message(.timeout))
        let slow = "the handshake took too long"
        let expected: [Bench.Seen] =
            switch stage {
            case .listening: [.refuse("timeout", "no data received", .timeout)]
            case .hearing: [.refuse("timeout", slow, .timeout)]
            // The client may have a slow machine.
            case .sentRetry: [reject, .refuse("timeout", slow)]
            case .computing, .settling: [reject, .refuse("timeout", slow, .timeout)]
            case .sentProof: [reject, .refuse("password", Self.guess, .wrongGuess)]
            }
        let link = try Bench(at: stage)
        #expect(link.timedOut() == expected)
        #expect(link.isOver)
    }

    @Test func aSecondHelloEndsTheLeniencyForStretching() throws {
        let link = try Bench(at: .computing, asksForRealm: true)
        #expect(
            link.timedOut() == [
                .send(Reject.message(.timeout)),
                .refuse("timeout", "the handshake took too long", .timeout),
            ]
        )
    }

    // MARK: - This end

    @Test func anOverloadedServerSaysWhenToComeAgain() throws {
        let link = try Bench(at: .computing)
        #expect(
            link.isOverloaded() == [
                .send(Reject.message(.busy, retryAfterSeconds: 1)),
                .refuse("busy", "too many handshakes wait for the processor"),
            ]
        )
        #expect(try link.computed() == [])
    }

    @Test func aFailureOfThisEndCostsTheClientNothing() throws {
        let failure = CryptoFailure(operation: "VerifierJob", reason: "unusable random bytes")
        for stage in [Bench.Stage.computing, .settling] {
            let link = try Bench(at: stage)
            #expect(
                link.failed(.crypto(failure)) == [
                    .send(Reject.message(.busy)),
                    .refuse("internal", "VerifierJob: unusable random bytes"),
                ]
            )
        }
        let link = try Bench(at: .listening)
        #expect(link.failed("epoll: no memory") == [.refuse("internal", "epoll: no memory")])
    }

    @Test func nothingIsTakenWhileTheExchangeIsComputed() throws {
        let link = try Bench(at: .computing)
        #expect(link.received(HandshakePeople.garbage) == [])
        try expectProof(of: link)
        let tag = link.people.alice.tag.bytes
        let finish = try link.finish()
        #expect(
            link.received(finish) == [.establish(link.people.alice.identity, tag: tag, received: [])]
        )
    }
}
