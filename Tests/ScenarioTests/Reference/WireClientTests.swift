import Glibc
import Testing

/// The second implementation of the protocol, a Python script.
private enum WireClient {
    static let missing: Comment =
        "python3 with the package cryptography is missing: .ci/install-test-services"
    /// A Python interpreter with the packages that the script needs.
    ///
    /// The system's interpreter often has packages that the first one on the PATH lacks.
    static let interpreter: String? = {
        guard let folder = try? TemporaryFolder() else { return nil }
        return ["python3", "/usr/bin/python3"].first {
            (try? Child([$0, "-c", "import cryptography"], in: folder).wait()) == .exited(0)
        }
    }()
    static let script =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        + "/wire_client.py"
}

/// The server end, tested by a second implementation of the protocol.
@Suite(.serialized, .enabled(if: Sallyport.isThere && WireClient.interpreter != nil, WireClient.missing))
struct WireClientTests {
    private let echo: PlainListener
    private let pair: TunnelPair

    init() throws {
        echo = try PlainListener.echo()
        pair = try TunnelPair(to: echo.address)
    }

    /// Runs the client and waits until it ends.
    private func run(password file: String) throws -> Child {
        let words = [
            try #require(WireClient.interpreter), "-B", WireClient.script, "\(pair.link.port)",
            "\(TunnelPair.user)/1", file, "app",
        ]
        let client = try Child(words, in: pair.folder)
        try client.wait(within: .seconds(90))
        return client
    }

    @Test func anIndependentClientIsServed() throws {
        let client = try run(password: "password")
        #expect(client.end == .exited(0))
        #expect(client.output == "all was as it should be\n")
        try pair.server.line(
            with: "stream closed",
            "service=app",
            "user=alice",
            "up=3.0MiB",
            "down=3.0MiB",
            "why=fin"
        )
        try pair.server.line(with: "refused", "no such service", "why=no-service")
        try pair.server.line(with: "link closed", "user=alice", "streams=0")
    }

    @Test func bothEndsDetectAWrongPassword() throws {
        try pair.folder.file("wrong", "not the oyster")
        let client = try run(password: "wrong")
        #expect(client.end == .exited(1))
        #expect(client.output.contains("the password is wrong"))
        try pair.server.line(with: "login failed", "user=alice", "why=password")
    }
}
