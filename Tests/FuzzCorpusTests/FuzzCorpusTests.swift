import Foundation
import FuzzEntrances
import ProtocolCoreTesting
import Testing

/// Replays the corpus of the fuzzers, which holds the seeds and the findings, and a few mutations of it.
///
/// A fuzz target traps if a property does not hold, so each input is noted in a file before it runs.
@Suite(.serialized) struct FuzzCorpusTests {
    @Test(arguments: FuzzEntrance.allCases)
    func everyFileOfACorpusHoldsAllProperties(entrance: FuzzEntrance) throws {
        let files = try corpus(of: entrance)
        #expect(files.count >= 10)
        #expect(files.count <= 100, "a corpus that is committed stays small")
        #expect(files.reduce(0) { $0 + $1.bytes.count } <= 300_000)
        for file in files {
            note("\(entrance.name)/\(file.name)")
            file.bytes.withUnsafeBytes { entrance.run($0) }
        }
    }

    @Test(arguments: FuzzEntrance.allCases)
    func mutationsOfTheCorpusHoldAllProperties(entrance: FuzzEntrance) throws {
        let files = try corpus(of: entrance)
        for seed in Seeds.some(entrance.mutations) {
            note("\(entrance.name), SEED=\(seed)")
            var mutation = Mutation(seed: seed)
            let bytes = mutation.make(of: files.map(\.bytes))
            bytes.withUnsafeBytes { entrance.run($0) }
        }
    }

    private func corpus(of entrance: FuzzEntrance) throws -> [(name: String, bytes: [UInt8])] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Fuzzing/Corpus/\(entrance.name)").standardizedFileURL
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map { ($0.lastPathComponent, Array(try Data(contentsOf: $0))) }
    }

    /// Writes the name of the input to a file, where it stays if the input ends the process.
    private func note(_ what: String) {
        try? Data("\(what)\n".utf8).write(to: Self.lastTried)
    }

    private static let lastTried: URL = {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("sallyport-fuzz-last-tried")
        print("should this be the last line: what was tried stands in \(file.path)")
        return file
    }()
}

extension FuzzEntrance {
    /// The number of mutations in an ordinary run: a few seconds in an unoptimised build.
    fileprivate var mutations: Int {
        switch self {
        case .handshake: 400
        case .records: 300
        case .sessionOperations: 30
        case .configurationFile: 200
        case .passwordFile: 300
        case .items: 2000
        }
    }
}
