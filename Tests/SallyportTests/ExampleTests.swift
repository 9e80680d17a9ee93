import Foundation
import Testing

/// The example programs, run as processes.
@Suite(.serialized) struct ExampleTests {
    private let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("sallyport-examples-\(UInt64.random(in: 0 ..< .max))")

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// A running program; it is terminated when this object is freed.
    private final class Program {
        private let process = Process()
        private let input = Pipe()
        private let file: URL

        init(_ name: String, _ arguments: [String], in folder: URL) throws {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("../..").standardizedFileURL
            file = folder.appendingPathComponent("output-\(UInt64.random(in: 0 ..< .max))")
            try Data().write(to: file)
            // Output is line-buffered, as at a terminal.
            process.executableURL = URL(fileURLWithPath: "/usr/bin/stdbuf")
            process.arguments = ["-oL", root.appendingPathComponent(".build/debug/\(name)").path] + arguments
            process.standardOutput = try FileHandle(forWritingTo: file)
            process.standardInput = input
            process.currentDirectoryURL = folder
            try process.run()
        }

        deinit {
            process.terminate()
        }

        var output: String { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }

        func type(_ text: String) {
            input.fileHandleForWriting.write(Data(text.utf8))
        }

        func endInput() {
            try? input.fileHandleForWriting.close()
        }

        func wait() -> Int32 {
            process.waitUntilExit()
            return process.terminationStatus
        }
    }

    /// Starts the server of an example; returns it and its address.
    private func serve(_ name: String, _ more: [String] = []) async throws -> (Program, String) {
        let server = try Program(name, ["serve", "127.0.0.1:0"] + more, in: folder)
        try await eventually("\(name) listens") { server.output.contains("\n") }
        return (server, String(server.output.split(separator: "\n")[0].split(separator: " ").last ?? ""))
    }

    @Test func chatSendsEveryLineToEveryone() async throws {
        let (server, address) = try await serve("ExampleChat")
        let ada = try Program("ExampleChat", ["join", address, "ada"], in: folder)
        try await eventually("ada is there") { ada.output.contains("ada is here") }
        let bob = try Program("ExampleChat", ["join", address, "bob"], in: folder)
        try await eventually("bob is there") { ada.output.contains("bob is here") }
        bob.type("hello\n")
        try await eventually("all hear it") {
            ada.output.contains("bob: hello") && bob.output.contains("bob: hello")
        }
        bob.endInput()
        #expect(bob.wait() == 0)
        try await eventually("bob has gone") { ada.output.contains("bob has gone") }
        withExtendedLifetime(server) {}
    }

    @Test func fileDropStoresAFileInItsFolder() async throws {
        let content = Data((0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 * 7 + $0 >> 8) })
        try content.write(to: folder.appendingPathComponent("holiday.jpg"))
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("incoming"),
            withIntermediateDirectories: true
        )
        let (server, address) = try await serve("ExampleFileDrop", ["incoming"])
        let client = try Program("ExampleFileDrop", ["put", address, "holiday.jpg"], in: folder)
        #expect(client.wait() == 0)
        #expect(client.output.contains("sent 2000000 bytes, 2000000 have arrived"))
        #expect(try Data(contentsOf: folder.appendingPathComponent("incoming/holiday.jpg")) == content)
        withExtendedLifetime(server) {}
    }

    @Test func remoteCommandRunsOnlyTheListedCommands() async throws {
        let (server, address) = try await serve("ExampleRemoteCommand")
        let client = try Program("ExampleRemoteCommand", ["run", address, "date"], in: folder)
        #expect(client.wait() == 0)
        #expect(client.output.contains("status 0"))
        let refused = try Program("ExampleRemoteCommand", ["run", address, "reboot"], in: folder)
        #expect(refused.wait() == 0)
        #expect(refused.output.contains("failed: the commands are date, host, space"))
        withExtendedLifetime(server) {}
    }

    @Test func topicsSendsAMessageToTheFollowersOfItsTopic() async throws {
        let (server, address) = try await serve("ExampleTopics")
        let follower = try Program("ExampleTopics", ["follow", address, "weather"], in: folder)
        try await eventually("it follows") { follower.output.contains("following weather") }
        for (topic, text) in [("sports", "a draw"), ("weather", "rain")] {
            #expect(try Program("ExampleTopics", ["publish", address, topic, text], in: folder).wait() == 0)
        }
        try await eventually("the news come") { follower.output.contains("weather: rain") }
        #expect(!follower.output.contains("draw"))
        withExtendedLifetime(server) {}
    }
}
