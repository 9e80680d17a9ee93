import ConfigurationFile
import Foundation
import Testing

@testable import TunnelCommand

@Suite struct SecretFileCheckTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func fault(_ path: String) -> SecretFileFault? {
        SecretFileCheck.system.fault(path)
    }

    @Test(arguments: [0o600, 0o400, 0o700, 0o611])
    func aFileThatOnlyItsOwnerCanReadAndChangeIsFit(mode: Int) throws {
        #expect(fault(try folder.write("secret", to: "x", mode: mode)) == nil)
    }

    @Test(arguments: [
        (0o640, "its group can read", "0640"), (0o620, "its group can change", "0620"),
        (0o660, "its group can read and change", "0660"), (0o604, "others can read", "0604"),
        (0o602, "others can change", "0602"), (0o644, "its group and others can read", "0644"),
        (0o642, "its group can read and others can change", "0642"),
        (0o666, "its group and others can read and change", "0666"),
    ])
    func aFileThatOthersCanReadOrChangeIsRefusedWithTheCommandToType(
        mode: Int,
        who: String,
        shown: String
    ) throws {
        let path = try folder.write("secret", to: "x", mode: mode)
        let fault = try #require(self.fault(path))
        #expect(fault.message == "`\(path)` holds a secret, and \(who) it (mode \(shown))")
        #expect(fault.hint == "chmod 600 \(path)")
        #expect(fault.remedy == .permission)
    }

    @Test func theCommandWorksForAnyNameOfAFile() throws {
        let path = try folder.write("secret", to: "it's a $(file) \\ name", mode: 0o644)
        let command = try #require(fault(path)?.hint)
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", command]
        try shell.run()
        shell.waitUntilExit()
        #expect(fault(path) == nil)
    }

    @Test func whatIsNotARegularFileIsRefused() throws {
        #expect(fault(folder.path)?.message == "`\(folder.path)` is not a regular file")
        #expect(fault("/dev/null")?.message == "`/dev/null` is not a regular file")
        let pipe = folder.path + "/pipe"
        try #require(mkfifo(pipe, 0o600) == 0)
        #expect(fault(pipe)?.message == "`\(pipe)` is not a regular file")
        #expect(fault(pipe)?.remedy == .text)
    }

    @Test func whatIsNotThereIsRefused() {
        let path = folder.path + "/missing"
        #expect(fault(path)?.message == "`\(path)` cannot be read: no such file or directory")
        #expect(fault(path)?.remedy == .text)
    }

    @Test func aSymbolicLinkIsFollowed() throws {
        let target = try folder.write("secret", to: "target")
        let link = folder.path + "/link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
        #expect(fault(link) == nil)
        try folder.write("secret", to: "target", mode: 0o644)
        #expect(fault(link)?.hint == "chmod 600 \(link)")
    }

    @Test(.enabled(if: geteuid() != 0, "root can read every file"))
    func aFileThatCannotBeReadIsAFaultOfPermission() throws {
        let path = try folder.write("secret", to: "x", mode: 0o000)
        #expect(fault(path)?.remedy == .permission)
        #expect(fault(path)?.hint == "chmod 600 \(path)")
    }

    @Test func permissionFaultsAloneAreTellableFromAllOthers() throws {
        let text = """
            [server]
            listen = :7443
            passwords = passwords
            [service a]
            connect = 127.0.0.1:1
            """
        try folder.write("x", to: "passwords", mode: 0o644)
        let good = ConfigurationLoading.load([try folder.write(text, to: "good.conf")])
        #expect(good.refusal == .permission)
        #expect(good.configuration == nil)
        #expect(good.diagnostics.map(\.location?.line) == [3])
        let bad = ConfigurationLoading.load([try folder.write(text + "\nx = y", to: "bad.conf")])
        #expect(bad.refusal == .text)
        try folder.write("x", to: "passwords", mode: 0o600)
        #expect(ConfigurationLoading.load(["\(folder.path)/good.conf"]).refusal == nil)
    }
}
