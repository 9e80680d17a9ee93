import Foundation

/// Two Python processes with a TLS socket of the module `ssl`; they measure their own time.
final class PythonContender: Contender {
    let name = "Python ssl"
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    init() throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("python_ssl.py").path
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", script]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    func measure(_ test: Test) async throws -> Measurement {
        let command =
            switch test {
            case .oneWay(let size, let count): "send \(size) \(count)\n"
            case .requests(let inFlight, let count): "ask \(inFlight) \(count)\n"
            }
        try input.fileHandleForWriting.write(contentsOf: Data(command.utf8))
        var line = Data()
        while let byte = try output.fileHandleForReading.read(upToCount: 1), byte != Data("\n".utf8) {
            guard !byte.isEmpty else { throw CocoaError(.fileReadUnknown) }
            line += byte
        }
        let figures = String(decoding: line, as: UTF8.self).split(separator: " ").compactMap { Double($0) }
        guard figures.count == 2 else { throw CocoaError(.fileReadCorruptFile) }
        return Measurement(wall: figures[0], cpu: figures[1])
    }
}
