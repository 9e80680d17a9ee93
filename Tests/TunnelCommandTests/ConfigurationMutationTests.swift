import ConfigurationFile
import Foundation
import FuzzEntrances
import ProtocolCoreTesting
import Testing

@testable import TunnelCommand

/// Tests with valid files that are randomly damaged, and with random bytes.
@Suite struct ConfigurationMutationTests {
    private static let mutations = 10_000

    @Test func aDamagedFileLoadsOrSaysWhereItIsDamaged() throws {
        let files = try names(in: "Valid").map {
            Array(try Data(contentsOf: URL(fileURLWithPath: configurations + "Valid/\($0)")))
        }
        let seed = UInt64.random(in: 0 ... .max)
        // Printed first, because nothing can be printed after a trap.
        print("configuration mutations: seed \(seed)")
        var random = SplitMix(seed: seed)
        for _ in 0..<Self.mutations {
            var bytes = files[Int.random(in: 0..<files.count, using: &random)]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                mutate(&bytes, with: files, &random)
            }
            // The fuzz entrance traps if a file neither loads nor gives an error with a place.
            bytes.withUnsafeBytes { FuzzEntrance.configurationFile.run($0) }
        }
    }

    @Test func randomBytesAreNeverAConfiguration() {
        let seed = UInt64.random(in: 0 ... .max)
        print("random configurations: seed \(seed)")
        var random = SplitMix(seed: seed)
        for _ in 0..<1000 {
            let bytes = (0..<Int.random(in: 0..<400, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let (document, faults) = Parser.parse(SourceFile(name: "random.conf", bytes: bytes))
            let decoded = ConfigurationDecoding.decode([document], earlier: faults, in: .isolated)
            #expect(decoded.configuration == nil, "seed \(seed)")
            #expect(decoded.diagnostics.contains { $0.location != nil }, "seed \(seed)")
        }
    }

    private func mutate(_ bytes: inout [UInt8], with files: [[UInt8]], _ random: inout SplitMix) {
        guard !bytes.isEmpty else { return }
        let position = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, position + Int.random(in: 1...30, using: &random))
        switch Int.random(in: 0..<7, using: &random) {
        case 0:
            bytes[position] = UInt8.random(in: 0...255, using: &random)
        case 1:
            bytes.removeSubrange(position..<end)
        case 2:
            let awkward = Array("[]=,\"\\#; \t\r\n\0/:%-0x9é".utf8)
            bytes.insert(awkward[Int.random(in: 0..<awkward.count, using: &random)], at: position)
        case 3:
            bytes.insert(
                contentsOf: bytes[position..<end],
                at: Int.random(in: 0...bytes.count, using: &random)
            )
        case 4:
            bytes.removeLast(bytes.count - position)
        case 5:
            // Swap two whole lines, so that keys get into other sections.
            var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            lines.swapAt(
                Int.random(in: 0..<lines.count, using: &random),
                Int.random(in: 0..<lines.count, using: &random)
            )
            bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
        default:
            let other = files[Int.random(in: 0..<files.count, using: &random)]
            bytes.insert(
                contentsOf: other.prefix(Int.random(in: 0...other.count, using: &random)),
                at: position
            )
        }
    }
}
