import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

@Suite struct RealmTests {
    @Test func aRealmIsOneTo255BytesOfText() {
        #expect(Realm("") == nil)
        #expect(Realm("r")?.text == "r")
        #expect(Realm(String(repeating: "r", count: 255)) != nil)
        #expect(Realm(String(repeating: "r", count: 256)) == nil)
        #expect(Realm("b\u{fc}ro#7c1f")?.text == "b\u{fc}ro#7c1f")
    }

    @Test(arguments: [[0x61, 0x0A], [0x1B], [0xFF], [0xC3], [0xC2, 0x85], [0x61, 0]] as [[UInt8]])
    func aRealmWithUnprintableBytesIsRefused(bytes: [UInt8]) {
        #expect(Realm(bytes) == nil)
    }

    @Test func theHintDependsOnRealmAndCost() throws {
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
    @Test func theTagDependsOnUserPasswordNumberAndRealm() throws {
        let realm = try #require(Realm("example"))
        let other = try #require(Realm("other"))
        let tags = try [
            ClientTag(Identity("alice"), in: realm),
            ClientTag(Identity("alice/2"), in: realm),
            ClientTag(Identity("bob"), in: realm),
            ClientTag(Identity("alice"), in: other),
        ]
        #expect(Set(tags).count == 4)
        #expect(tags.allSatisfy { $0.bytes.count == 16 })
    }

    @Test func aTagOfTheWrongSizeIsRefused() {
        for count in [0, 15, 17] {
            [UInt8](repeating: 1, count: count).withUnsafeBytes { #expect(ClientTag($0) == nil) }
        }
        [UInt8](repeating: 1, count: 16).withUnsafeBytes { #expect(ClientTag($0)?.bytes.count == 16) }
    }
}
