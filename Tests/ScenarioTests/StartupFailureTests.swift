import Glibc
import Testing

/// Failures at startup and their messages.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "there is no release binary: make build"))
struct StartupFailureTests {
    @Test func aPortInUseIsNamedAndExits71() throws {
        let folder = try TemporaryFolder()
        let taken = try PlainListener(.ipv4(port: 0))
        let made = try Sallyport.run("passwd", "passwords", "bob", in: folder, input: "never-told-heron\n")
        #expect(made.end == .exited(0))
        try folder.file(
            "tunnel.conf",
            "[server]\nlisten = \(taken.address)\npasswords = passwords\n[service a]\nconnect = 127.0.0.1:1\n"
        )
        let run = try Sallyport.run("run", "tunnel.conf", in: folder)
        #expect(run.end == .exited(71))
        #expect(run.output.contains("\(taken.address)"))
        #expect(run.output.contains("EADDRINUSE"))
    }

    @Test func aRoutesPortInUseIsNamedAndExits71() throws {
        let folder = try TemporaryFolder()
        let taken = try PlainListener(.ipv4(port: 0))
        try folder.file("password", "never-told-heron\n")
        try folder.file("tunnel.conf", Self.client(accept: "\(taken.address)"))
        let run = try Sallyport.run("run", "tunnel.conf", in: folder)
        #expect(run.end == .exited(71))
        #expect(run.output.contains("\(taken.address)"))
    }

    @Test func everyFaultIsReportedAtOnceWithItsPlace() throws {
        let folder = try TemporaryFolder()
        try folder.file(
            "bad.conf",
            """
            log-levle = info
            [server]
            listen = 127.0.0.1
            passwords = none
            [service app]
            conect = 127.0.0.1:1
            [route x]
            accept = 127.0.0.1:99999
            peer = nobody

            """
        )
        for command in ["run", "check"] {
            let run = try Sallyport.run(command, "bad.conf", in: folder)
            #expect(run.end == .exited(78))
            let places = ["1:1", "3:10", "4:13", "5:1", "6:1", "8:10", "9:8"]
            for place in places { #expect(run.output.contains("bad.conf:\(place): error: "), "\(place)") }
            #expect(run.output.ranges(of: ": error: ").count == places.count)
            #expect(run.output.contains("did you mean `log-level`?"))
            #expect(run.output.contains("did you mean `connect`?"))
        }
    }

    @Test(arguments: [0o640, 0o604, 0o644] as [mode_t])
    func aSecretThatOthersCanReadIsRefusedAndTheFixIsNamed(mode: mode_t) throws {
        let folder = try TemporaryFolder()
        let secret = try folder.file("password", "never-told-heron\n", mode: mode)
        try folder.file("tunnel.conf", Self.client(accept: "127.0.0.1:0"))
        let run = try Sallyport.run("run", "tunnel.conf", in: folder)
        #expect(run.end == .exited(77))
        #expect(run.output.contains("chmod 600 "))
        #expect(!run.output.contains("never-told-heron"))
        // The suggested command solves the problem.
        chmod(secret, 0o600)
        #expect(try Sallyport.run("check", "tunnel.conf", in: folder).end == .exited(0))
    }

    @Test func aPasswordFileThatOthersCanReadIsRefused() throws {
        let folder = try TemporaryFolder()
        let made = try Sallyport.run("passwd", "passwords", "bob", in: folder, input: "never-told-heron\n")
        #expect(made.end == .exited(0))
        chmod("\(folder.path)/passwords", 0o644)
        try folder.file(
            "tunnel.conf",
            "[server]\nlisten = 127.0.0.1:0\npasswords = passwords\n[service a]\nconnect = 127.0.0.1:1\n"
        )
        let run = try Sallyport.run("run", "tunnel.conf", in: folder)
        #expect(run.end == .exited(77))
        #expect(run.output.contains("chmod 600 "))
    }

    private static func client(accept: String) -> String {
        """
        [peer other]
        address = 127.0.0.1:1
        user = alice
        password-file = password
        [route app]
        accept = \(accept)
        peer = other

        """
    }
}
