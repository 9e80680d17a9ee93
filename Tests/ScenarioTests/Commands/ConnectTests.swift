import Glibc
import Testing

/// `sallyport connect`: one stream on standard input and output.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "\(Sallyport.missing)"))
struct ConnectTests {
    private let echo: PlainListener
    private let pair: TunnelPair

    init() throws {
        echo = try PlainListener.echo()
        pair = try TunnelPair(to: echo.address)
    }

    private var peer: String { "\(TunnelPair.user)@\(pair.link)" }

    /// Connects with an empty input.
    private func connect(_ peer: String, _ service: String, _ more: String...) throws -> ChildEnd {
        let words = [
            Sallyport.path, "connect", peer, service, "--password-file", "\(pair.folder.path)/password",
        ]
        return try Child(words + more, in: pair.folder).wait()
    }

    @Test func theOutputIsTheEchoedInputAndNothingElse() throws {
        let input = try pair.folder.randomFile("in", mebibytes: 24)
        let output = "\(pair.folder.path)/out"
        let complaints = try Program.run(
            "sh",
            "-c",
            "exec \"$0\" connect \"$1\" app --password-file password <\"$2\" >\"$3\"",
            Sallyport.path,
            peer,
            input,
            output,
            in: pair.folder
        )
        #expect(complaints.isEmpty)
        #expect(try pair.folder.sha256(output) == pair.folder.sha256(input))
        try pair.server.line(with: "stream closed", "service=app", "up=24.0MiB", "why=fin")
    }

    @Test func theExitStatusNamesTheKindOfFailure() throws {
        #expect(try connect(peer, "app") == .exited(0))
        #expect(try connect(peer, "another") == .exited(69))
        #expect(try connect("\(TunnelPair.user)@\(PlainAddress.free())", "app") == .exited(69))
        #expect(try connect("bob@\(pair.link)", "app") == .exited(67))
        #expect(try connect(peer, "app", "--realm", "elsewhere") == .exited(78))
        // An echo service does not speak the protocol.
        #expect(try connect("\(TunnelPair.user)@\(echo.address)", "app") == .exited(76))
    }

    @Test func aPasswordFileThatOthersCanReadIsRefusedAndTheFixIsNamed() throws {
        let file = "\(pair.folder.path)/password"
        chmod(file, 0o644)
        let child = try Sallyport.run("connect", peer, "app", "--password-file", file, in: pair.folder)
        #expect(child.end == .exited(77))
        #expect(child.output.contains("chmod 600 \(file)"))
    }
}
