import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

@Suite struct VerifierTableTests {
    @Test func unknownUsersAllGetTheSameDummyVerifier() throws {
        let people = try People()
        let alice = people.table.find(ClientTag(people.alice.identity, in: people.realm))
        #expect(alice.exists)
        #expect(alice.verifier == people.verifier)
        let unknownUsers = try ["bob", "alice/2", "-"].map {
            try people.table.find(ClientTag(Identity($0), in: people.realm))
        }
        for unknownUser in unknownUsers {
            #expect(!unknownUser.exists)
            #expect(unknownUser.verifier == unknownUsers[0].verifier)
            #expect(unknownUser.verifier.point.count == alice.verifier.point.count)
            #expect(unknownUser.verifier.blind.count == alice.verifier.blind.count)
            #expect(unknownUser.verifier.w0.count == alice.verifier.w0.count)
        }
    }

    @Test func aUserWithTwoPasswordsHasOneName() throws {
        let people = try People()
        let second = Verifier(
            identity: try Identity("alice/2"),
            w0: people.verifier.w0,
            point: people.verifier.point,
            blind: people.verifier.blind,
            unblind: people.verifier.unblind
        )
        let table = try VerifierTable(
            realm: people.realm,
            cost: .standard,
            verifiers: [people.verifier, second],
            dummy: (.pattern(1), .pattern(2))
        )
        #expect(table.count == 2)
        #expect(table.users == ["alice"])
        expect(table.find(ClientTag(second.identity, in: people.realm)).exists)
    }

    @Test func unusableRandomBytesForTheDummyVerifierAreAnError() throws {
        let people = try People()
        let zero = SecretBytes([UInt8](repeating: 0, count: 66))
        #expect(throws: CryptoFailure.self) {
            try VerifierTable(realm: people.realm, cost: .standard, verifiers: [], dummy: (zero, .pattern(1)))
        }
    }

    @Test func aVerifierContainsNeitherThePasswordNorW1() throws {
        let people = try People()
        let mirror = Mirror(reflecting: people.verifier)
        #expect(Set(mirror.children.compactMap(\.label)) == ["identity", "w0", "point", "blind", "unblind"])
        #expect(!people.verifier.w0.isEqual(to: people.secret.w1))
    }
}
