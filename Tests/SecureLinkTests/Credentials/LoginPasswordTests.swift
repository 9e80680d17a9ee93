import CryptoPrimitives
import Foundation
import ProtocolCore
import Testing

@testable import SecureLink

@Suite struct LoginPasswordTests {
    @Test func oneNewlineAtTheEndIsNotPartOfThePassword() throws {
        for text in ["secret", "secret\n", "secret\r\n"] {
            let password = try LoginPassword(Array(text.utf8)).password
            #expect(password.bytes.withUnsafeBytes { Array($0) } == Array("secret".utf8))
        }
        #expect(throws: CredentialFault.self) { try LoginPassword(Array("secret\n\n".utf8)) }
    }

    @Test(arguments: [
        [], [0x0A], [0xFF, 0xFE], [0x61, 0x00], [0x61, 0x1B], Array(repeating: 0x61, count: 1025),
    ])
    func bytesThatCannotBeAPasswordAreRefused(bytes: [UInt8]) {
        #expect(throws: CredentialFault.self) { try LoginPassword(bytes) }
    }

    @Test func aGeneratedPasswordHasEightyRandomBits() throws {
        var seen: Set<String> = []
        for _ in 0..<50 {
            let text = try LoginPassword.generate().text
            #expect(text.count == 19)
            #expect(text.split(separator: "-").allSatisfy { $0.count == 4 })
            #expect(seen.insert(text).inserted)
        }
    }

    @Test func aPasswordIsReadFromAFileOrTheEnvironment() throws {
        let path = NSTemporaryDirectory() + "/sly-password-\(UUID().uuidString.prefix(8))"
        defer { unlink(path) }
        try "from a file\n".write(toFile: path, atomically: true, encoding: .utf8)
        chmod(path, 0o600)
        #expect(try LoginPassword(file: path).password.bytes.count == 11)
        setenv("SLY_TEST_PASSWORD", "from the environment", 1)
        #expect(try LoginPassword(environment: "SLY_TEST_PASSWORD").password.bytes.count == 20)
        let fault = #expect(throws: CredentialFault.self) { try LoginPassword(environment: "SLY_TEST_UNSET") }
        #expect(fault?.text == "SLY_TEST_UNSET is not set")
    }

    @Test(arguments: [0o604, 0o640, 0o660, 0o602] as [mode_t])
    func aFileThatOtherUsersCanReadOrChangeIsRefused(mode: mode_t) throws {
        let path = NSTemporaryDirectory() + "/sly-password-\(UUID().uuidString.prefix(8))"
        defer { unlink(path) }
        try "secret\n".write(toFile: path, atomically: true, encoding: .utf8)
        chmod(path, mode)
        let fault = #expect(throws: CredentialFault.self) { try LoginPassword(file: path) }
        #expect(fault?.text.contains("chmod 600") == true)
        #expect(throws: CredentialFault.self) { try PasswordFile(reading: path) }
    }

    @Test func aPipeInPlaceOfAFileIsRefusedWithoutBlocking() throws {
        let path = NSTemporaryDirectory() + "/sly-password-\(UUID().uuidString.prefix(8))"
        defer { unlink(path) }
        #expect(mkfifo(path, 0o600) == 0)
        #expect(throws: CredentialFault.self) { try LoginPassword(file: path) }
        #expect(throws: CredentialFault.self) { try PasswordFile(reading: path) }
    }
}
