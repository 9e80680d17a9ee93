import Testing
import Vocabulary

@Suite struct IdentityTests {
    @Test func aNameIsReadWithOrWithoutAPasswordNumber() throws {
        #expect(try Identity("alice").name == "alice/1")
        #expect(try Identity("alice/1") == Identity("alice"))
        #expect(try Identity("alice/255").passwordNumber == 255)
        #expect(try Identity("gr\u{fc}n schnabel/2").user == "gr\u{fc}n schnabel")
        #expect(try Identity(user: String(repeating: "u", count: 64)).user.utf8.count == 64)
    }

    @Test(
        arguments: [
            "", "/", "/1", "alice/", "alice/0", "alice/256", "alice/01", "alice/+1", "alice/-0", "alice/-1",
            "alice/1/1", "a/b", "alice/ 1", "alice/1 ", "alice/\u{661}", "alice/\u{301}1", " alice", "alice ",
            "a,b", "a\nb", "a\u{7F}", "a\u{85}", "a\0", "a\tb", "\u{1B}[31m",
            "al\u{202E}ice", "alice\u{A0}", "a\u{200B}b", "a\u{2028}b", "a\u{E0041}b",
        ]
    )
    func anInvalidIdentityIsAnError(text: String) {
        #expect(throws: IdentityError.self) { try Identity(text) }
    }

    @Test(arguments: [
        "alice", "alice/2", "alice@example.com", "j\u{fc}rgen", "a#b;c", "al ice", "al\"ice", "a=b",
    ])
    func theTextOfAnIdentityParsesBackToItself(text: String) throws {
        #expect(try Identity(text).text == text)
    }

    @Test(arguments: ["al ice", "al\"ice"]) func aWordHasNeitherBlanksNorQuotationMarks(text: String) throws {
        #expect(throws: IdentityError.self) { try Identity(text, asWord: true) }
        #expect(try Identity("alice/2", asWord: true) == Identity("alice/2"))
    }

    @Test func anErrorNamesTheFault() throws {
        func message(_ text: String) -> String? {
            do throws(IdentityError) { _ = try Identity(text) } catch { return error.message }
            return nil
        }
        #expect(message("") == "the name of the user is empty")
        #expect(message("al\u{202E}ice") == "`\\u{202E}` cannot be in the name of a user")
        #expect(message("a,b") == "`,` cannot be in the name of a user")
        #expect(message(" a") == "the name of a user neither begins nor ends with a blank")
        #expect(message("a/0") == "behind the `/` of a user there is a password number from 1 to 255")
    }

    @Test func theLengthOfAUserNameIsCountedInBytes() throws {
        #expect(throws: IdentityError.self) { try Identity(user: String(repeating: "u", count: 65)) }
        #expect(throws: IdentityError.self) { try Identity(user: String(repeating: "\u{fc}", count: 33)) }
        #expect(throws: IdentityError.self) { try Identity(user: "alice", passwordNumber: 0) }
        #expect(try Identity(user: String(repeating: "\u{fc}", count: 32)).user.count == 32)
    }
}
