import Foundation
import Testing

@testable import SecureLink

@Suite struct PasswordFileTests {
    private func temporaryPath() -> String {
        NSTemporaryDirectory() + "/sly-passwords-\(UUID().uuidString.prefix(8))"
    }

    @Test func aFileIsCreatedOnFirstUseAndOnlyItsOwnerCanReadIt() throws {
        let path = temporaryPath()
        defer { unlink(path) }
        var file = try PasswordFile(creating: path)
        #expect(try !file.set("alice", LoginPassword(Array("correct horse".utf8))))
        #expect(try file.set("alice", LoginPassword(Array("battery staple".utf8))))
        #expect(try !file.set("alice/2", LoginPassword(Array("second".utf8))))
        try file.write()
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)

        var again = try PasswordFile(reading: path)
        #expect(again.users == ["alice/1", "alice/2"])
        #expect(again.realm == file.realm)
        #expect(try again.table().users == ["alice"])
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for secret in ["correct", "battery", "second"] { #expect(!text.contains(secret)) }

        #expect(again.remove("bob") == 0)
        #expect(again.remove("alice/2") == 1)
        #expect(again.remove("alice") == 1)
        try again.write()
        #expect(try PasswordFile(reading: path).users.isEmpty)
    }

    @Test func everyNewFileHasADifferentRealm() throws {
        #expect(
            try PasswordFile(creating: temporaryPath()).realm != PasswordFile(creating: temporaryPath()).realm
        )
    }

    @Test func theErrorOfADamagedFileNamesTheLine() throws {
        let path = temporaryPath()
        defer { unlink(path) }
        for (text, line) in [
            ("realm = a\ncost = scrypt:17:8:1\nalice/1 = 00\n", ":3:"), ("realm = a\nnonsense\n", ":2:"),
            ("realm = a\ncost = scrypt:99:8:1\n", ":2:"), ("realm = a\nrealm = b\n", ":2:"), ("", ": "),
        ] {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            chmod(path, 0o600)
            let fault = #expect(throws: CredentialFault.self) { try PasswordFile(reading: path) }
            #expect(fault?.text.contains(path + line) == true, "\(fault?.text ?? "")")
        }
    }

    @Test func theErrorOfAMissingFileNamesItsPath() {
        let fault = #expect(throws: CredentialFault.self) {
            try PasswordFile(reading: "/nonexistent/passwords")
        }
        #expect(fault?.text == "/nonexistent/passwords: No such file or directory")
    }
}
