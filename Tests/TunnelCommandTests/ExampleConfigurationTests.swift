import ConfigurationFile
import Foundation
import Testing
import Tunnel

@testable import TunnelCommand

/// Tests of `tunnel.conf.example`, which new users copy.
@Suite struct ExampleConfigurationTests {
    private let text: String

    init() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../tunnel.conf.example").standardizedFileURL
        text = try String(contentsOf: file, encoding: .utf8)
    }

    /// The entries in comments: `# key = value`, but not sentences.
    private var commentedEntries: [Entry] {
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("# ") }.map { $0.dropFirst(2) }
        let entries = lines.flatMap { line in
            Parser.parse(SourceFile(name: "comment", text: String(line))).document.globals
        }
        return entries.filter { $0.value.location.column > $0.keyLocation.column + $0.keyLocation.length + 2 }
    }

    @Test func theExampleLoadsAsItIsOnceItsSecretsAreThere() throws {
        let folder = try TemporaryFolder()
        try folder.write("x", to: "passwords")
        try folder.write("x", to: "office.password")
        let loaded = ConfigurationLoading.load([try folder.write(text, to: "tunnel.conf")])
        let configuration = try #require(loaded.configuration, "\(loaded.report)")
        #expect(loaded.report.isEmpty)
        #expect(configuration.server != nil)
        #expect(configuration.services.map(\.name) == ["postgres"])
        #expect(configuration.routes.map(\.name) == ["postgres"])
    }

    @Test func theExampleHasEveryKeyThereIs() {
        let document = Parser.parse(SourceFile(name: "example", text: text)).document
        let entries = document.globals + document.sections.flatMap(\.entries) + commentedEntries
        #expect(Set(entries.map(\.key)) == Set(ConfigurationKey.all.map(\.name)))
    }

    @Test func whatIsCommentedOutIsTheDefault() throws {
        let uncommented = commentedEntries.filter { entry in
            guard let key = ConfigurationKey.named(entry.key), key != .include else { return false }
            return key.isAllowed(in: nil)
        }
        #expect(uncommented.count == 21)
        let lines = uncommented.map { "\($0.key) = \($0.value.single?.text ?? "")\n" }
        let decode = { (text: String) in
            ConfigurationDecoding.decode(
                [Parser.parse(SourceFile(name: "example", text: text)).document],
                in: .isolated
            ).configuration
        }
        let withDefaults = try #require(decode(text))
        #expect(decode(lines.joined() + text) == withDefaults)
    }
}
