import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

/// A client without the password cannot log in, and learns only that its guess was wrong.
@Suite struct HandshakeGuessTests {
    let people: People

    init() throws {
        people = try People()
    }

    @Test func aWrongPasswordFailsAtTheServersConfirmation() throws {
        var run = HandshakeRun(people)
        run.login = try people.credential(secret: StretchedPassword(w0: .pattern(77), w1: .pattern(78)))
        let outcome = try run.run()
        #expect(outcome.clientFault == .authentication)
        #expect(outcome.sent[.finish] == nil)
        #expect(!outcome.isAccepted)
        #expect(outcome.owesProof)
    }

    @Test func oneHalfOfTheSecretIsNotEnough() throws {
        for secret in [
            StretchedPassword(w0: people.secret.w0, w1: .pattern(78)),
            StretchedPassword(w0: .pattern(77), w1: people.secret.w1),
        ] {
            var run = HandshakeRun(people)
            run.login = try people.credential(secret: secret)
            let outcome = try run.run()
            #expect(outcome.clientFault == .authentication)
            #expect(outcome.sent[.finish] == nil)
        }
    }

    @Test func anUnknownUserSeesTheSameStepsAsAWrongPassword() throws {
        var wrong = HandshakeRun(people)
        wrong.login = try people.credential(secret: StretchedPassword(w0: .pattern(77), w1: .pattern(78)))
        var unknown = HandshakeRun(people)
        unknown.login = try people.credential(user: "mallory")
        let (wrongPassword, unknownUser) = try (wrong.run(), unknown.run())
        #expect(unknownUser.steps == wrongPassword.steps)
        #expect(unknownUser.clientFault == wrongPassword.clientFault)
        #expect(unknownUser.serverFault == wrongPassword.serverFault)
        #expect(unknownUser.sent.mapValues(\.count) == wrongPassword.sent.mapValues(\.count))
        #expect(unknownUser.owesProof == wrongPassword.owesProof)
        // The server uses the name only for its log.
        #expect(wrongPassword.claimed == people.alice.identity)
        #expect(unknownUser.claimed == nil)
    }

    @Test func aProofForTheDummyVerifierDoesNotLogIn() throws {
        // Even a client that predicts the secrets of the dummy verifier does not become a user.
        var run = HandshakeRun(people)
        run.login = try people.credential(
            user: "mallory",
            secret: StretchedPassword(w0: .pattern(1), w1: .pattern(2))
        )
        run.middle = { $1 }
        let outcome = try run.run()
        #expect(outcome.server == nil)
    }

    @Test func aServerAcceptsNothingAfterAWrongConfirmation() throws {
        var server = HandshakeRun(people).makeServer()
        let run = HandshakeRun(people)
        let share = try HandshakeRun.share(people.alice)
        var client = run.makeClient()
        let hello = client.begin(with: (people.alice, share))
        guard case .verify(let job) = try server.feed(hello) else {
            Issue.record("no login")
            return
        }
        _ = try server.answer(with: job.run())
        let wrong = HandshakeFrame.encode(.clientFinish, body: [UInt8](repeating: 0, count: 64))
        #expect(throws: HandshakeFault.authentication) { try server.feed(wrong) }
        // The same handshake permits no second guess.
        #expect(throws: HandshakeFault.unexpectedMessage) { try server.feed(wrong) }
        #expect(server.owesProof == true)
    }

    @Test func aStolenVerifierDoesNotLogIn() throws {
        // The thief has w0, L, w0·M and w0·N, and all recorded traffic. To compute V = y·L, the thief would need y.
        let thief = try ClientCredential(
            identity: people.alice.identity,
            realm: people.realm,
            cost: people.cost,
            secret: StretchedPassword(w0: people.verifier.w0, w1: .pattern(99))
        )
        var run = HandshakeRun(people)
        run.login = thief
        #expect(try run.run().clientFault == .authentication)

        // The thief continues with each confirmation that can be computed without w1.
        var server = run.makeServer()
        var client = run.makeClient()
        let share = try HandshakeRun.share(thief)
        guard case .verify(let job) = try server.feed(client.begin(with: (thief, share))) else {
            Issue.record("no login")
            return
        }
        let answer = try server.answer(with: job.run())
        guard case .prove(let proof) = try client.feed(answer), let products = try proof.run() else {
            Issue.record("no proof")
            return
        }
        let hello = try answer.borrowed { frame throws(HandshakeFault) in
            try ServerHello.read(frame: frame).hello
        }
        var transcript = Transcript()
        transcript.add(client.begin(with: (thief, share)))
        transcript.add(answer.dropLast(64))
        for v in [products.v, products.z, SecretBytes(people.verifier.point)] {
            let keys = try ExchangeKeys(
                context: transcript.context,
                prover: thief.identity.bytes,
                verifier: thief.realm.bytes,
                shareP: share.share,
                shareV: hello.share,
                products: ExchangeProducts(share: [], z: products.z, v: v),
                w0: thief.secret.w0
            )
            var server = run.makeServer()
            guard case .verify(let job) = try server.feed(run.makeClientHello(thief, share)) else { continue }
            _ = try server.answer(with: job.run())
            let body = HMAC.code(key: keys.confirmProver, message: hello.share)
            #expect(throws: HandshakeFault.authentication) {
                try server.feed(HandshakeFrame.encode(.clientFinish, body: body))
            }
        }
    }

    @Test func aShareThatCancelsTheBlindFailsLikeAWrongPassword() throws {
        let blind = people.verifier.blind
        var run = HandshakeRun(people)
        let share = try HandshakeRun.share(people.alice).share
        run.middle = { $0 == .hello ? $1.replacing(share, with: blind) : $1 }
        let outcome = try run.run()
        #expect(outcome.serverFault == .authentication)
        #expect(outcome.sent[.answer] == nil)

        run.middle = { [people] in
            guard $0 == .answer else { return $1 }
            return $1.replacing(Array($1[50..<183]), with: people.verifier.unblind)
        }
        #expect(try run.run().clientFault == .authentication)
    }

    @Test func aServerThatEchoesTheClientsShareIsRefused() throws {
        let share = try HandshakeRun.share(people.alice).share
        var run = HandshakeRun(people)
        run.middle = {
            guard $0 == .answer else { return $1 }
            return $1.replacing(Array($1[50..<183]), with: share)
        }
        #expect(try run.run().clientFault == .authentication)
    }
}

extension HandshakeRun {
    /// The first message of a client that logs in.
    func makeClientHello(_ credential: ClientCredential, _ share: ProverShare) -> [UInt8] {
        var client = makeClient()
        return client.begin(with: (credential, share))
    }
}

extension [UInt8] {
    /// A copy with the first occurrence of `part` replaced by `other`, which has the same length.
    func replacing(_ part: [UInt8], with other: [UInt8]) -> [UInt8] {
        precondition(part.count == other.count)
        guard let start = indices.first(where: { Array(self[$0...].prefix(part.count)) == part }) else {
            Issue.record("the bytes to be replaced are not there")
            return self
        }
        return Array(self[..<start]) + other + Array(self[(start + part.count)...])
    }
}
