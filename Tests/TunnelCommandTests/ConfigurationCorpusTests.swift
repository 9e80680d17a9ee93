import Foundation
import Testing

@testable import TunnelCommand

/// Replays what fuzzing begins with, and what it has found.
@Suite struct ConfigurationCorpusTests {
    @Test func noFileOfTheCorpusIsMoreThanTheParserCanTake() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Fuzzing/Corpus/ConfigurationFile").standardizedFileURL
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(files.count >= 10)
        for file in files {
            let bytes = try Data(contentsOf: file)
            // It stops the program where something does not hold.
            bytes.withUnsafeBytes { fuzzConfigurationFile($0) }
        }
    }
}
