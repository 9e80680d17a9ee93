import ConfigurationFile
import Foundation
import Testing

@testable import TunnelCommand

/// Decodes every `.conf` file of `Configurations/` and compares the output, byte for byte, with the `.expected` file beside it.
///
/// With `RECORD_EXPECTED=1` in the environment, the tests write the `.expected` files: review the difference before you commit.
@Suite struct ConfigurationCasesTests {
    @Test(arguments: try names(in: "Valid"))
    func aValidFileDecodesToWhatIsExpected(name: String) throws {
        let loaded = load("Valid/\(name)")
        let configuration = try #require(loaded.configuration, "\(loaded.report)")
        #expect(loaded.refusal == nil)
        try expect(loaded.report + EffectiveConfiguration(configuration).description, for: "Valid/\(name)")
    }

    @Test(arguments: try names(in: "Invalid"))
    func anInvalidFileIsRefusedWithWhatIsExpected(name: String) throws {
        let loaded = load("Invalid/\(name)")
        #expect(loaded.configuration == nil)
        #expect(loaded.refusal == .text)
        try expect(loaded.report, for: "Invalid/\(name)")
    }

    @Test func aPasswordThatWasWrittenIntoTheFileIsNotRepeated() throws {
        let name = "Invalid/password-in-the-file.conf"
        let text = try String(contentsOfFile: configurations + name, encoding: .utf8)
        #expect(text.contains("canary"))
        #expect(!load(name).report.contains("canary"))
    }

    private func load(_ name: String) -> LoadedConfiguration {
        var surroundings = ConfigurationSurroundings.isolated
        surroundings.readFile = { path in
            // The requested path is in the folder of the isolated environment; the file that is read is beside this source file.
            SystemFiles.read(configurations + path.dropFirst("/etc/sallyport/".count))
        }
        surroundings.hasVariable = { $0 != "UNSET" && !$0.contains("canary") }
        return ConfigurationLoading.load([name], in: surroundings)
    }

    private func expect(_ text: String, for name: String) throws {
        let path = configurations + name.dropLast("conf".count) + "expected"
        if ProcessInfo.processInfo.environment["RECORD_EXPECTED"] != nil {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }
}

/// The folder of the cases, with a trailing `/`.
let configurations = String(#filePath.dropLast("ConfigurationCasesTests.swift".count)) + "Configurations/"

/// The names of the cases in a folder, in alphabetical order.
func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: configurations + folder).filter {
        $0.hasSuffix(".conf")
    }.sorted()
}
