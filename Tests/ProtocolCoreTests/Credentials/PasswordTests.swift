import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

@Suite struct PasswordTests {
    @Test func aPasswordIsOneTo1024Bytes() throws {
        #expect(throws: Password.Fault.empty) { try Password(SecretBytes([])) }
        #expect(throws: Password.Fault.tooLong) { try Password(secret(String(repeating: "x", count: 1025))) }
        for count in [1, 1023, 1024] {
            #expect(try Password(secret(String(repeating: "x", count: count))).bytes.count == count)
        }
    }

    @Test(arguments: ["\0", "a\u{1F}", "\u{7F}", "a\u{80}", "\u{9F}b", "tab\there", "line\nline", "cr\r"])
    func aControlCharacterIsRefused(text: String) {
        #expect(throws: Password.Fault.controlCharacter) { try Password(secret(text)) }
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0xAF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC3],
            [0xFF],
        ] as [[UInt8]]
    )
    func invalidUTF8IsRefused(bytes: [UInt8]) {
        #expect(throws: Password.Fault.notText) { try Password(SecretBytes([0x61] + bytes)) }
    }

    @Test(arguments: ["\u{a0}", "p\u{e4}ss", "\u{1F511}", " leading and trailing ", "\u{202E}"])
    func anyOtherTextIsAccepted(text: String) throws {
        #expect(try Password(secret(text)).bytes.hex == Array(text.utf8).hex)
    }

    @Test func oneNewlineAtTheEndOfAFileIsNotPartOfThePassword() throws {
        for content in ["secret", "secret\n", "secret\r\n"] {
            #expect(try Password(contentOf: secret(content)).bytes.hex == Array("secret".utf8).hex)
        }
        for content in ["secret\n\n", "secret\n\r\n", "secret\r", "\r\r\n"] {
            #expect(throws: Password.Fault.controlCharacter) { try Password(contentOf: secret(content)) }
        }
        for content in ["", "\n", "\r\n"] {
            #expect(throws: Password.Fault.empty) { try Password(contentOf: secret(content)) }
        }
        let longest = String(repeating: "x", count: 1024)
        #expect(try Password(contentOf: secret(longest + "\n")).bytes.count == 1024)
    }

    @Test func theStretchedPasswordDependsOnPasswordUserRealmAndCost() throws {
        let cost = ScryptCost(logN: 1, r: 1, p: 1)
        func stretch(_ text: String, _ user: String, _ realm: String, _ cost: ScryptCost) throws -> String {
            let stretched = try StretchedPassword(
                Password(secret(text)),
                identity: Identity(user),
                realm: #require(Realm(realm)),
                cost: cost
            )
            #expect(stretched.w0.count == 66 && stretched.w1.count == 66)
            #expect(!stretched.w0.isEqual(to: stretched.w1))
            return stretched.w0.hex
        }
        let all = try [
            stretch("a", "u", "r", cost), stretch("b", "u", "r", cost), stretch("a", "v", "r", cost),
            stretch("a", "u/2", "r", cost), stretch("a", "u", "s", cost),
            stretch("a", "u", "r", ScryptCost(logN: 2, r: 1, p: 1)),
        ]
        #expect(Set(all).count == all.count)
    }

    private func secret(_ text: String) -> SecretBytes { SecretBytes(Array(text.utf8)) }
}
