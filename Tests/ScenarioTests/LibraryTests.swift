import Sallyport
import Testing

/// The tunnel and the library together: the library as a tunnel's server, and as a service behind a tunnel.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "\(Sallyport.missing)"))
struct LibraryTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        let made = try Sallyport.run("passwd", "passwords", "alice", in: folder, input: "oyster-bed-4\n")
        guard made.end == .exited(0) else { throw ScenarioFailure(made.output) }
        try folder.file("password", "oyster-bed-4\n")
    }

    private func startServer(_ file: String = "passwords") async throws -> MessageServer {
        try await MessageServer.start(on: "127.0.0.1:0", passwords: Passwords(file: folder.path + "/" + file))
    }

    private func passwd(_ arguments: String...) throws -> (end: ChildEnd, output: String) {
        let made = try Child(
            [Sallyport.path, "passwd"] + arguments,
            in: folder,
            name: "passwd",
            input: "oyster-bed-4\n"
        )
        return (try made.wait(), made.output)
    }

    @Test func theLibraryServesATunnelsService() async throws {
        let server = try await startServer()
        let events = server.events
        server.serve("app") { stream, connection in
            try await stream.write(Array("hello \(connection.user)\n".utf8))
            try await ByteStream.echo(stream, connection)
        }
        let entry = try PlainAddress.free()
        let client = try Child(
            [
                Sallyport.path, "client", "--accept", "\(entry)", "--peer", "alice@\(server.addresses[0])",
                "--service", "app", "--password-file", "password",
            ],
            in: folder,
            name: "client"
        )
        try client.line(with: "listening", "route=")
        for round in 1...3 {
            let visitor = try PlainSocket(to: entry)
            let words = CheckedBytes(name: UInt64(round)).prefix(300_000)
            let writing = Background { try visitor.write(words) }
            #expect(try visitor.read(12) == Array("hello alice\n".utf8))
            let back = try visitor.read(words.count)
            try writing.wait()
            visitor.finish()
            #expect(back == words)
            #expect(try visitor.readToEnd().bytes.isEmpty)
        }
        try client.line(with: "stream closed", "why=fin")
        // A service without a handler.
        server.stopServing("app")
        let visitor = try PlainSocket(to: entry)
        try visitor.waitForReset()
        try client.line(with: "stream closed", "why=no-service")
        for await event in events where event.user == "alice" { break }
        await server.stop()
    }

    @Test func aMessageServerIsReachedThroughATunnel() async throws {
        let made = try passwd("--application", "sallyport", "of-the-library", "alice")
        #expect(made.end == .exited(0), "\(made.output)")
        // An existing password file keeps its application.
        let refused = try passwd("--application", "sallyport", "passwords", "bob")
        #expect(
            refused.end == .exited(78)
                && refused.output.contains("is not a password file of the application `sallyport`")
        )
        let server = try await startServer("of-the-library")
        server.answer("chat") { packet, _ in "hello \(packet.sender)" }
        server.answer(chunksOf: "sum") { packet, _ in
            var count = 0
            for try await chunk in packet.chunks { count += chunk.count }
            return "\(count)"
        }
        let tunnel = try TunnelPair(to: server.addresses[0])
        let connection = try await MessageClient.connect(
            to: "\(tunnel.entry)",
            user: "alice",
            password: "oyster-bed-4"
        )
        #expect(try await connection.request("chat").text == "hello alice")
        let payload = Payload.bytes([UInt8](repeating: 7, count: 5_000_000))
        #expect(try await connection.request("sum", payload).text == "5000000")
        // The tunnel's server end restarts: the stream is reset, and the library's connection continues over another one.
        try tunnel.restartServer()
        #expect(try await connection.request("chat", timeout: .seconds(60)).text == "hello alice")
        await connection.close()
        await server.stop()
    }
}
