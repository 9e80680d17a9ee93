import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary
import WireCoding

@testable import ProtocolCore

/// A man in the middle cannot change the suite, version or parameters on which both ends agree.
@Suite struct HandshakeSuitesTests {
    let people: People

    init() throws {
        people = try People()
    }

    @Test func theServerChoosesAmongTheCommonSuites() throws {
        let cases: [([Suite], [Suite], Suite)] = [
            ([.encrypted], [.encrypted], .encrypted),
            ([.integrityOnly, .encrypted], [.encrypted], .encrypted),
            ([.encrypted], [.integrityOnly, .encrypted], .encrypted),
            ([.integrityOnly, .encrypted], [.integrityOnly, .encrypted], .integrityOnly),
            ([.encrypted, .integrityOnly], [.integrityOnly, .encrypted], .integrityOnly),
            ([.integrityOnly, .encrypted], [.encrypted, .integrityOnly], .encrypted),
        ]
        for (client, server, agreed) in cases {
            var run = HandshakeRun(people)
            run.clientSuites = client
            run.serverSuites = server
            let outcome = try run.run()
            #expect(outcome.client?.suite == agreed)
            #expect(outcome.server?.suite == agreed)
        }
    }

    @Test func aModifiedSuiteOfferIsDetected() throws {
        // The attacker adds the suite without encryption to the client's offer; the server would accept it.
        var run = HandshakeRun(people)
        run.serverSuites = [.integrityOnly, .encrypted]
        run.middle = { $0 == .hello ? $1.withSuites([0x01F1, 0x0101]) : $1 }
        var outcome = try run.run()
        #expect(outcome.clientFault == .suite)
        #expect(!outcome.isAccepted)

        // The attacker reverses the order, or removes the suite that both prefer.
        run.clientSuites = [.integrityOnly, .encrypted]
        for suites in [[0x0101, 0x01F1], [0x0101]] as [[UInt16]] {
            run.middle = { $0 == .hello ? $1.withSuites(suites) : $1 }
            outcome = try run.run()
            #expect(outcome.clientFault == .authentication)
            #expect(!outcome.isAccepted)
        }
    }

    @Test func aModifiedSuiteChoiceIsDetected() throws {
        var run = HandshakeRun(people)
        run.middle = { $0 == .answer ? $1.setting(44, 0xF1) : $1 }
        #expect(try run.run().clientFault == .suite)
        run.clientSuites = [.integrityOnly, .encrypted]
        #expect(try run.run().clientFault == .authentication)
    }

    @Test func aSuiteThatWasNotOfferedIsRefused() throws {
        for (high, low) in [(0x01, 0xF1), (0x01, 0x02), (0, 0), (0xFF, 0xFF)] as [(UInt8, UInt8)] {
            var run = HandshakeRun(people)
            run.middle = { $0 == .answer ? $1.setting(43, high).setting(44, low) : $1 }
            #expect(try run.run().clientFault == .suite)
        }
    }

    @Test func aModifiedVersionRangeIsDetected() throws {
        // The attacker changes the client's version range from 1…1 to 1…2, and to 2…2. A downgrade would be detected alike.
        var run = HandshakeRun(people)
        run.middle = { $0 == .hello ? $1.setting(41, 2) : $1 }
        #expect(try run.run().clientFault == .authentication)
        run.middle = { $0 == .hello ? $1.setting(40, 2).setting(41, 2) : $1 }
        #expect(try run.run().serverFault == .version)
        run.middle = { $0 == .answer ? $1.setting(40, 2) : $1 }
        #expect(try run.run().clientFault == .version)
    }

    @Test func aForgedRejectOnlyEndsTheHandshake() throws {
        for code in [RejectCode.version, .suite, .busy, .authentication] {
            var run = HandshakeRun(people)
            run.middle = { $0 == .answer ? Reject(code: code, retryAfterSeconds: 9).encoded() : $1 }
            let outcome = try run.run()
            #expect(outcome.clientFault == .rejected(code, retryAfterSeconds: 9))
            #expect(!outcome.isAccepted)
        }
    }

    @Test func modifiedParametersAreDetected() throws {
        var run = HandshakeRun(people)
        run.middle = {
            guard $0 == .hello else { return $1 }
            return $1.editingElements {
                $0.map { $0.type == 4 ? (4, SessionParameters(sessionWindow: 1 << 30).encoded) : $0 }
            }
        }
        #expect(try run.run().clientFault == .authentication)
    }

    @Test func bothEndsLearnEachOthersParameters() throws {
        var run = HandshakeRun(people)
        run.clientParameters = SessionParameters(
            maxRecord: 2048,
            streamWindow: 1,
            sessionWindow: 2,
            maxStreams: 3
        )
        run.serverParameters = SessionParameters(
            maxRecord: 4096,
            idleSeconds: 4,
            features: SessionFeatures(rawValue: 5)
        )
        let outcome = try run.run()
        #expect(outcome.client?.peerParameters == run.serverParameters)
        #expect(outcome.server?.peerParameters == run.clientParameters)
    }

    @Test func elementsAddedOrMovedInTransitAreDetected() throws {
        let edits: [([HelloPart]) -> [HelloPart]] = [
            { $0.dropLast() + [(0x7000, [1])] + $0.suffix(1) },
            { [(0, [])] + $0 },
            { $0.reversed() },
            { $0 + $0.suffix(1) },
            { Array($0.dropFirst()) },
        ]
        for message in [HandshakeRun.Message.hello, .answer] {
            for (index, edit) in edits.enumerated() {
                var run = HandshakeRun(people)
                run.middle = { $0 == message ? $1.editingElements(edit) : $1 }
                let outcome = try run.run()
                #expect(!outcome.isAccepted, "edit \(index) of \(message)")
            }
        }
    }

    @Test func anUnknownElementIsSkippedButPartOfTheTranscript() throws {
        // The client itself added the element: that is allowed, because its own transcript contains it too.
        let share = try HandshakeRun.share(people.alice)
        let run = HandshakeRun(people)
        let hello = run.makeClientHello(people.alice, share).editingElements { $0 + [(0x7000, [1, 2, 3])] }
        var server = run.makeServer()
        guard case .verify(let job) = try server.feed(hello) else {
            Issue.record("an unknown element was not passed over")
            return
        }
        let answer = try server.answer(with: job.run())
        let proof = ProverJob(
            scalar: share.scalar,
            w1: people.secret.w1,
            unblind: people.alice.unblind,
            peerShare: Array(answer[50..<183])
        )
        let products = try #require(try proof.run())
        func confirmation(_ hello: [UInt8]) throws -> [UInt8] {
            var transcript = Transcript()
            transcript.add(hello)
            transcript.add(answer.dropLast(64))
            let keys = try ExchangeKeys(
                context: transcript.context,
                prover: people.alice.identity.bytes,
                verifier: people.realm.bytes,
                shareP: share.share,
                shareV: Array(answer[50..<183]),
                products: products,
                w0: people.secret.w0
            )
            return HMAC.code(key: keys.confirmVerifier, message: share.share)
        }
        #expect(try confirmation(hello) == Array(answer.suffix(64)))
        #expect(try confirmation(run.makeClientHello(people.alice, share)) != Array(answer.suffix(64)))
    }
}

extension [UInt8] {
    /// A copy of the client's hello with other suites.
    func withSuites(_ suites: [UInt16]) -> [UInt8] {
        var body = Array(self[8..<44]) + [UInt8(suites.count)]
        for suite in suites { body.append(bigEndian: suite) }
        return HandshakeFrame.encode(.clientHello, body: body + self[(45 + 2 * Int(self[44]))...])
    }
}
