import Glibc
import Testing

/// Searches for a conspicuous password in all places where it must not appear.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "\(Sallyport.missing)"))
struct CanaryTests {
    private static let password = "canary-9b2e-mussel"
    private static let wrong = "canary-wrong-limpet"
    private let folder: TemporaryFolder
    private let echo: PlainListener

    init() throws {
        folder = try TemporaryFolder()
        echo = try PlainListener.echo()
        try folder.file("password", Self.password + "\n")
        try folder.file("wrong", Self.wrong + "\n")
    }

    /// Whether a text contains one of the passwords, plain or in hexadecimal.
    private func containsPassword(_ text: String) -> Bool {
        [Self.password, Self.wrong].contains { canary in
            let digits = canary.utf8.map { String($0, radix: 16) }.joined()
            return text.contains(canary) || text.lowercased().contains(digits)
        }
    }

    /// Whether the command line, which every user can see, and the environment of a process contain no password.
    private func showsNoPassword(_ child: Child) -> Bool {
        guard let environment = TemporaryFolder.read("/proc/\(child.pid)/environ") else { return false }
        return !child.commandLine.isEmpty && !containsPassword(child.commandLine)
            && !containsPassword(environment)
    }

    @Test(arguments: ["error", "warning", "info", "debug"], ["text", "json"])
    func thePasswordIsInNoLogAndNoProcessList(level: String, format: String) throws {
        let logging = ["--log-level", level, "--log-format", format]
        let link = try PlainAddress.free()
        let entry = try PlainAddress.free()
        let made = try Sallyport.run("passwd", "passwords", "alice", in: folder, input: Self.password)
        #expect(made.end == .exited(0) && !containsPassword(made.output))
        let server = try Child(
            [
                Sallyport.path, "server", "--listen", "\(link)", "--passwords", "passwords", "--service",
                "app=\(echo.port)",
            ] + logging,
            in: folder
        )
        try waitUntilItListens(link)
        let clients = try ["password", "wrong"].map { file in
            try Child(
                [
                    Sallyport.path, "client", "--accept", file == "wrong" ? "127.0.0.1:0" : "\(entry)",
                    "--peer",
                    "alice@\(link)", "--service", "app", "--password-file", file,
                ] + logging,
                in: folder
            )
        }
        try waitUntilItListens(entry)
        let visitor = try PlainSocket(to: entry)
        try visitor.write("something to say")
        visitor.finish()
        #expect(try visitor.readToEnd().bytes.count == 16)
        if level != "error" {
            try server.line(with: "login failed")
            try clients[1].line(with: "peer refuses the password")
        }
        for end in clients + [server] {
            #expect(showsNoPassword(end))
            end.signal(SIGTERM)
            try end.wait()
            #expect(!containsPassword(end.output))
        }
        #expect(!containsPassword(TemporaryFolder.read("\(folder.path)/passwords") ?? Self.password))
    }

    private func waitUntilItListens(_ address: PlainAddress) throws {
        try Waiting.until("somebody at \(address)") { (try? PlainSocket(to: address)) != nil }
    }

    @Test func theCommandsPrintNoPasswordEvenWhenTheyFail() throws {
        try folder.file(
            "tunnel.conf",
            """
            [peer office]
            address = 127.0.0.1:7443
            user = alice
            password-file = password
            [route web]
            accept = 8080
            peer = office

            """
        )
        let nobody = try PlainAddress.free()
        for words in [
            ["check", "tunnel.conf"], ["check", "--print", "tunnel.conf"],
            ["connect", "alice@\(nobody)", "app", "--password-file", "password"],
            // The command expects a file with another content.
            ["passwd", "password", "alice"],
            ["server", "--listen", "\(nobody)", "--passwords", "password", "--service", "app=9"],
        ] {
            let child = try Child([Sallyport.path] + words, in: folder, input: Self.wrong)
            try child.wait()
            #expect(!containsPassword(child.output), "\(words)")
        }
    }

    @Test func thePasswordOfTheDemoIsNotVisibleFromOutside() throws {
        mkdir("\(folder.path)/demo", 0o700)
        let demo = try Sallyport.start(
            "demo",
            "--once",
            in: folder,
            environment: ["TMPDIR": "\(folder.path)/demo"]
        )
        let children = try Waiting.for("the two ends") {
            let pids = (TemporaryFolder.read("/proc/\(demo.pid)/task/\(demo.pid)/children") ?? "").split(
                separator: " "
            )
            return pids.count == 2 ? pids : nil
        }
        let inner = try #require(Program.names(in: "\(folder.path)/demo").first)
        let password = try #require(TemporaryFolder.read("\(folder.path)/demo/\(inner)/password"))
            .trimmingNewlines
        #expect(password.count > 8)
        for pid in children {
            for file in ["cmdline", "environ"] {
                let text = try #require(TemporaryFolder.read("/proc/\(pid)/\(file)"))
                #expect(!text.contains(password))
            }
        }
        #expect(try demo.wait() == .exited(0))
        #expect(!demo.output.contains(password))
    }
}

extension String {
    fileprivate var trimmingNewlines: String { String(prefix { !$0.isNewline }) }
}
