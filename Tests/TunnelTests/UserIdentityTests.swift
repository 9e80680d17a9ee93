import Testing

@testable import Tunnel

@Suite struct UserIdentityTests {
    @Test func aUserWithoutANumberHasTheFirstPassword() throws {
        let alice = try UserIdentity(parsing: "alice")
        #expect(alice.name == "alice")
        #expect(alice.kid == 1)
        #expect(try alice == UserIdentity(parsing: "alice/1"))
        #expect(try UserIdentity(parsing: "alice/255").kid == 255)
    }

    @Test(arguments: ["alice", "alice/2", "alice@example.com", "jürgen", "a#b;c"])
    func theTextOfAUserIsReadBackToTheSameValue(text: String) throws {
        #expect(try UserIdentity(parsing: text).description == text)
    }

    @Test(arguments: [
        "", "/1", "alice/", "alice/0", "alice/256", "alice/01", "alice/+1", "alice/1/2", "al ice", "al,ice",
        "al\"ice",
        "al\u{7}ice", "al\u{202E}ice", "alice\u{A0}", String(repeating: "a", count: 65),
        String(repeating: "é", count: 33),
    ])
    func whatIsNotAUserIsRefused(text: String) {
        #expect(throws: UserIdentityFault.self) { try UserIdentity(parsing: text) }
    }

    @Test func aNameMayHave64Bytes() throws {
        #expect(try UserIdentity(parsing: String(repeating: "é", count: 32)).name.utf8.count == 64)
    }
}
