import Glibc
import Testing

/// The output of `check`, `--version`, `--help` and `selftest`.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "\(Sallyport.missing)"))
struct CheckAndHelpTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func writeConfiguration() throws {
        _ = try Sallyport.run("passwd", "passwords", "alice", in: folder, input: "oyster\n")
        try folder.file("password", "oyster\n")
        try folder.file(
            "tunnel.conf",
            """
            workers = 3
            drain-timeout = 5s
            [server]
            listen = 127.0.0.1:7443, [::1]:7443
            passwords = passwords
            [service db]
            connect = 127.0.0.1:5432, unix:/run/db.sock
            allow = alice
            failover = rr
            [peer office]
            address = office.example:7443
            user = alice/2
            password-file = password
            keepalive = 10s/30s
            [route web]
            accept = 8080
            peer = office
            idle-timeout = 5m
            share = no

            """
        )
    }

    @Test func thePrintedConfigurationLoadsAndPrintsTheSame() throws {
        try writeConfiguration()
        let checked = try Sallyport.run("check", in: folder)
        #expect(checked.end == .exited(0), "\(checked.output)")
        let printed = try Sallyport.run("check", "--print", "tunnel.conf", in: folder)
        #expect(printed.end == .exited(0))
        #expect(printed.output.contains("workers = 3") && printed.output.contains("idle-timeout = 5m"))
        #expect(printed.output.contains("connect-timeout = 10s"))
        #expect(!printed.output.contains("oyster"))
        try folder.file("printed.conf", printed.output)
        let again = try Sallyport.run("check", "--print", "printed.conf", in: folder)
        #expect(again.end == .exited(0))
        #expect(again.output == printed.output)
    }

    @Test func everyFaultIsReportedAtOnceWithItsPlace() throws {
        try folder.file(
            "tunnel.conf",
            """
            wrokers = 2
            [service db]
            connect = 127.0.0.1:70000
            [route web]
            accept = 8080
            peer = nobody

            """
        )
        for command in ["check", "run"] {
            let result = try Sallyport.run(command, "tunnel.conf", in: folder)
            #expect(result.end == .exited(78))
            #expect(result.output.contains("tunnel.conf:1:1: error: unknown key `wrokers`"))
            #expect(result.output.contains("did you mean `workers`?"))
            #expect(result.output.contains("tunnel.conf:3:"))
            #expect(result.output.contains("tunnel.conf:6:"))
        }
    }

    @Test func theVersionIsOneLineOfThreeNumbers() throws {
        let result = try Sallyport.run("--version", in: folder)
        #expect(result.end == .exited(0))
        let parts = result.output.dropLast().split(separator: ".")
        #expect(result.output.last == "\n" && parts.count == 3 && parts.allSatisfy { Int($0) != nil })
    }

    @Test func theLongVersionNamesTheLibraries() throws {
        let result = try Sallyport.run("--version", "-v", in: folder)
        #expect(result.end == .exited(0))
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines.first?.hasPrefix("sallyport ") == true)
        #expect(lines.contains { $0.hasPrefix("libcrypto: OpenSSL 3.") })
        #expect(lines.contains { $0.hasPrefix("libuv: 1.") })
        #expect(lines.last?.hasPrefix("AES-256-GCM: ") == true)
    }

    @Test(arguments: [
        "", "run", "check", "passwd", "server", "client", "connect", "demo", "selftest", "console",
    ])
    func helpBeginsWithExamples(command: String) throws {
        let words = [Sallyport.path, command, "--help"].filter { !$0.isEmpty }
        let child = try Child(words, in: folder)
        #expect(try child.wait() == .exited(0))
        #expect(child.output.hasPrefix("EXAMPLES\n  sallyport "))
        #expect(child.output.contains("USAGE: sallyport"))
    }

    @Test func theSelfTestOfTheBinarySucceeds() throws {
        let child = try Child([Sallyport.path, "selftest"], in: folder)
        #expect(try child.wait() == .exited(0))
        let lines = child.output.split(separator: "\n")
        #expect(lines.count == 6 && lines.allSatisfy { $0.hasPrefix("ok ") }, "\(child.output)")
    }

    @Test(arguments: [
        ["--nonsense"], ["nonsense"], ["run", "--nonsense"], ["passwd"], ["connect", "alice@host:7443"],
        ["passwd", "file", "alice", "--delete", "--generate"], ["client", "--accept", "8080"],
    ])
    func anInvalidCommandLineExitsWith64(words: [String]) throws {
        let child = try Child([Sallyport.path] + words, in: folder)
        #expect(try child.wait() == .exited(64), "\(child.output)")
    }

    @Test func anAddressInUseIsNamedAndExitsWith71() throws {
        let taken = try PlainListener(.ipv4(port: 0))
        _ = try Sallyport.run("passwd", "passwords", "alice", in: folder, input: "oyster\n")
        let result = try Sallyport.run(
            "server",
            "--listen",
            "\(taken.address)",
            "--passwords",
            "passwords",
            "--service",
            "app=9",
            in: folder
        )
        #expect(result.end == .exited(71))
        #expect(result.output.contains("\(taken.address)"))
    }
}
