import Foundation
import Sallyport

// A server that runs commands for authorized clients: only the commands in its list.
//
//     ExampleRemoteCommand serve 127.0.0.1:25565
//     ExampleRemoteCommand run 127.0.0.1:25565 date
@main
enum RemoteCommand {
    struct Outcome: Codable, Sendable {
        var status: Int32
        var output: String
    }

    static let known = ["date": "/bin/date", "host": "/bin/hostname", "space": "/bin/df"]

    static func main() async throws {
        let words = CommandLine.arguments.dropFirst()
        switch (words.first, words.count) {
        case ("serve", 2): try await serve(at: words[2])
        case ("run", 3): try await run(words[3], at: words[2])
        default: print("serve ADDRESS, or run ADDRESS COMMAND")
        }
    }

    static func serve(at address: String) async throws {
        let server = try await MessageServer.start(on: address, passwords: Passwords(["operator": "welcome"]))
        server.answer("run", String.self) { command, _ in
            guard let path = known[command] else {
                throw SallyportError(
                    .invalidArgument,
                    "the commands are \(known.keys.sorted().joined(separator: ", "))"
                )
            }
            return try execute(path)
        }
        print("listening at \(server.addresses[0])")
        await server.run()
    }

    static func execute(_ path: String) throws -> Outcome {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: path)
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(status: process.terminationStatus, output: String(decoding: bytes, as: UTF8.self))
    }

    static func run(_ command: String, at address: String) async throws {
        let connection = try await MessageClient.connect(to: address, user: "operator", password: "welcome")
        do {
            let outcome = try await connection.request("run", command, returning: Outcome.self)
            print(outcome.output, terminator: "")
            print("status \(outcome.status)")
        } catch {
            print("failed: \(error.message)")
        }
        await connection.close()
    }
}
