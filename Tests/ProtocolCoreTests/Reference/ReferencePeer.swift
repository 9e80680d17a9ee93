import Foundation
import Testing

/// A process that speaks the protocol with an independent model of it, written in Python.
///
/// The model is not part of this package. The test looks for it in the folder `SALLYPORT_REFERENCE`, else beside the package.
/// The interpreter is `PYTHON`, else `python3`.
final class ReferencePeer {
    /// The interpreter and the folder of the model; `nil` if the model or a suitable interpreter is missing.
    static let command: (interpreter: String, model: String)? = {
        let environment = ProcessInfo.processInfo.environment
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let model =
            environment["SALLYPORT_REFERENCE"]
            ?? package.deletingLastPathComponent().appendingPathComponent("shared/reference").path
        guard FileManager.default.fileExists(atPath: model + "/protocol.py") else { return nil }
        let interpreter = environment["PYTHON"] ?? "python3"
        let probe = Process()
        probe.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        probe.arguments = [interpreter, "-c", "import cryptography"]
        probe.standardError = FileHandle.nullDevice
        guard (try? probe.run()) != nil else { return nil }
        probe.waitUntilExit()
        return probe.terminationStatus == 0 ? (interpreter, model) : nil
    }()

    static let absence: Comment =
        "needs Python with the package cryptography, and the model in SALLYPORT_REFERENCE or ../shared/reference"

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let errors = Pipe()

    init(_ role: String, from file: String = #filePath) throws {
        let (interpreter, model) = try #require(Self.command)
        // A write to a process that has ended must be an error, not a signal.
        signal(SIGPIPE, SIG_IGN)
        let script = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent(
            "reference_peer.py"
        )
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [interpreter, "-B", script.path, model, role]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
    }

    deinit {
        if process.isRunning { process.terminate() }
    }

    func write(_ bytes: [UInt8]) throws {
        try input.fileHandleForWriting.write(contentsOf: Data(bytes))
    }

    /// Waits for bytes; returns none if the process has ended.
    func read() -> [UInt8] { Array(output.fileHandleForReading.availableData) }

    /// Reads exactly this number of bytes.
    func read(exactly count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            guard let part = try output.fileHandleForReading.read(upToCount: count - bytes.count),
                !part.isEmpty
            else {
                break
            }
            bytes += part
        }
        try #require(bytes.count == count, "\(complaint)")
        return bytes
    }

    /// Waits for the end of the process.
    ///
    /// - Returns: whether the process found no fault.
    func finish() -> Bool {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// The error output of the process; complete only when it has ended.
    var complaint: String { String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self) }
}
