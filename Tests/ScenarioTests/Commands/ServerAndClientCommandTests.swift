import Glibc
import Testing

/// `sallyport server` and `sallyport client`, which take their configuration from the command line.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "\(Sallyport.missing)"))
struct ServerAndClientCommandTests {
    private let folder: TemporaryFolder
    private let echo: PlainListener
    private let link: PlainAddress
    private let entry: PlainAddress

    init() throws {
        folder = try TemporaryFolder()
        echo = try PlainListener.echo()
        link = try .free()
        entry = try .free()
        let made = try Sallyport.run("passwd", "passwords", "alice", in: folder, input: "oyster-bed-4\n")
        guard made.end == .exited(0) else { throw ScenarioFailure(made.output) }
        try folder.file("password", "oyster-bed-4\n")
    }

    @Test(arguments: [["--password-file", "password"], ["--password-env", "OYSTER"]])
    func aStreamGoesThroughTwoEndsWithoutAConfigurationFile(password: [String]) throws {
        let server = try Sallyport.start(
            "server",
            "--listen",
            "\(link)",
            "--passwords",
            "passwords",
            "--service",
            "app=\(echo.port)",
            in: folder,
            name: "server"
        )
        try server.line(with: "listening", "server=links")
        let client = try Child(
            [
                Sallyport.path, "client", "--accept", "\(entry)", "--peer", "alice@\(link)", "--service",
                "app",
            ] + password,
            in: folder,
            name: "client",
            environment: ["OYSTER": "oyster-bed-4"]
        )
        try client.line(with: "listening", "route=")
        let visitor = try PlainSocket(to: entry)
        let words = CheckedBytes(name: 3).prefix(100_000)
        try visitor.write(words)
        visitor.finish()
        #expect(try visitor.readToEnd().bytes == words)
        try client.line(with: "stream closed", "why=fin")
        try server.line(with: "stream closed", "why=fin", "user=alice")
        for end in [client, server] {
            end.signal(SIGTERM)
            #expect(try end.wait() == .exited(0), "\(end.output)")
        }
    }

    @Test func twoSignalsAtOnceWithoutAStreamExitWithZero() throws {
        let server = try Sallyport.start(
            "server",
            "--listen",
            "\(link)",
            "--passwords",
            "passwords",
            "--service",
            "app=\(echo.port)",
            in: folder,
            name: "server"
        )
        try server.line(with: "listening", "server=links")
        // Two different signals, because the system may merge two equal ones.
        server.signal(SIGTERM)
        server.signal(SIGINT)
        #expect(try server.wait() == .exited(0), "\(server.output)")
    }

    @Test func theDemoPrintsASpeedAndLeavesNoFiles() throws {
        mkdir("\(folder.path)/demo", 0o700)
        let demo = try Sallyport.run(
            "demo",
            "--once",
            in: folder,
            environment: ["TMPDIR": "\(folder.path)/demo"]
        )
        #expect(demo.end == .exited(0), "\(demo.output)")
        #expect(demo.output.contains("every byte checked"))
        #expect(demo.output.contains(" MiB/s"))
        #expect(Program.names(in: "\(folder.path)/demo").isEmpty)
    }
}
