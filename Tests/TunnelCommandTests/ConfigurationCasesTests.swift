import ConfigurationFile
import Foundation
import Testing

@testable import TunnelCommand

/// Decodes every file of `Configurations/` and compares what is said about it, byte for byte, with the file beside it.
///
/// With `RECORD_EXPECTED=1` in the environment the expectations are written anew: read the difference before it is kept.
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
            // What is asked for is in the folder of the isolated world; what is read is beside this file.
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

/// The folder with the cases, with a `/` at its end.
let configurations = String(#filePath.dropLast("ConfigurationCasesTests.swift".count)) + "Configurations/"

/// The names of the cases in a folder, in alphabetical order.
func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: configurations + folder).filter {
        $0.hasSuffix(".conf")
    }.sorted()
}
