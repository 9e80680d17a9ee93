import CryptoPrimitives
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

@Suite struct IdentityTests {
    @Test func aNameIsReadWithOrWithoutTheNumberOfItsPassword() throws {
        #expect(Identity("alice")?.name == "alice/1")
        #expect(Identity("alice/1") == Identity("alice"))
        #expect(Identity("alice/255")?.passwordNumber == 255)
        #expect(Identity("gr\u{fc}n schnabel/2")?.user == "gr\u{fc}n schnabel")
        #expect(Identity(user: String(repeating: "u", count: 64)) != nil)
    }

    @Test(
        arguments: [
            "", "/", "/1", "alice/", "alice/0", "alice/256", "alice/01", "alice/+1", "alice/-0", "alice/-1",
            "alice/1/1", "a/b", "alice/ 1", "alice/1 ", "alice/\u{661}", "alice/\u{301}1", " alice", "alice ",
            "a,b", "a\nb", "a\u{7F}", "a\u{85}", "a\0", "a\tb", "\u{1B}[31m",
        ]
    )
    func whatCannotBeAnIdentityIsNone(text: String) {
        #expect(Identity(text) == nil)
    }

    @Test func aUserIsAsLongAsItsBytesAre() {
        #expect(Identity(user: String(repeating: "u", count: 65)) == nil)
        #expect(Identity(user: String(repeating: "\u{fc}", count: 32)) != nil)
        #expect(Identity(user: String(repeating: "\u{fc}", count: 33)) == nil)
        #expect(Identity(user: "alice", passwordNumber: 0) == nil)
    }
}

@Suite struct RealmTests {
    @Test func aRealmIsOneTo255BytesOfText() {
        #expect(Realm("") == nil)
        #expect(Realm("r")?.text == "r")
        #expect(Realm(String(repeating: "r", count: 255)) != nil)
        #expect(Realm(String(repeating: "r", count: 256)) == nil)
        #expect(Realm("b\u{fc}ro#7c1f")?.text == "b\u{fc}ro#7c1f")
    }

    @Test(arguments: [[0x61, 0x0A], [0x1B], [0xFF], [0xC3], [0xC2, 0x85], [0x61, 0]] as [[UInt8]])
    func whatALogCannotShowIsNoRealm(bytes: [UInt8]) {
        #expect(Realm(bytes) == nil)
    }

    @Test func theHintDependsOnRealmAndCostAndOnWhereTheOneEnds() throws {
        let realm = try #require(Realm("example"))
        let other = try #require(Realm("examplf"))
        let hint = realm.hint(cost: .standard)
        #expect(hint.count == 8)
        #expect(hint != other.hint(cost: .standard))
        #expect(hint != realm.hint(cost: ScryptCost(logN: 16, r: 8, p: 1)))
        #expect(hint != Realm.noHint)
    }
}

@Suite struct ClientTagTests {
    @Test func theTagDependsOnUserNumberAndRealm() throws {
        let realm = try #require(Realm("example"))
        let other = try #require(Realm("other"))
        let tags = try [
            ClientTag(#require(Identity("alice")), in: realm),
            ClientTag(#require(Identity("alice/2")), in: realm),
            ClientTag(#require(Identity("bob")), in: realm),
            ClientTag(#require(Identity("alice")), in: other),
        ]
        #expect(Set(tags).count == 4)
        #expect(tags.allSatisfy { $0.bytes.count == 16 })
    }

    @Test func aTagOfAnotherSizeIsNone() {
        for count in [0, 15, 17] {
            [UInt8](repeating: 1, count: count).withUnsafeBytes { #expect(ClientTag($0) == nil) }
        }
        [UInt8](repeating: 1, count: 16).withUnsafeBytes { #expect(ClientTag($0)?.bytes.count == 16) }
    }
}
