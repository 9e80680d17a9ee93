import Glibc
import Testing

/// `sallyport passwd`, tested by the logins that succeed afterwards.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "\(Sallyport.missing)"))
struct PasswdTests {
    private let folder: TemporaryFolder
    private let echo: PlainListener
    private let link: PlainAddress

    init() throws {
        folder = try TemporaryFolder()
        echo = try PlainListener.echo()
        link = try .free()
    }

    /// Starts the server end, which reads the password file.
    private func startServer() throws -> Child {
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
        return server
    }

    @Test func aFileThatCannotBeWrittenExitsWith71() throws {
        let child = try Child(
            [Sallyport.path, "passwd", "nowhere/passwords", "alice"],
            in: folder,
            name: "passwd",
            input: "secret"
        )
        #expect(try child.wait() == .exited(71))
        #expect(
            child.output.contains("nowhere/passwords.new: No such file or directory; nothing was changed")
        )
    }

    private func passwd(_ arguments: String..., password: String? = nil) throws -> Child {
        let child = try Child(
            [Sallyport.path, "passwd", "passwords"] + arguments,
            in: folder,
            name: "passwd",
            input: password
        )
        try child.wait()
        return child
    }

    /// The end of a login: status 0, or 67 if the server refuses the password.
    private func login(_ user: String, _ password: String) throws -> ChildEnd {
        try folder.file("password", password)
        return try Sallyport.run(
            "connect",
            "\(user)@\(link)",
            "app",
            "--password-file",
            "password",
            in: folder
        ).end
    }

    @Test func aPasswordIsChangedWithoutAnOutage() throws {
        #expect(try passwd("alice", password: "the old oyster\n").end == .exited(0))
        var server = try startServer()
        #expect(try login("alice", "the old oyster") == .exited(0))

        #expect(try passwd("alice/2", password: "the new oyster\n").end == .exited(0))
        server.kill()
        server = try startServer()
        // Both passwords are valid, each with its own number.
        #expect(try login("alice", "the old oyster") == .exited(0))
        #expect(try login("alice/1", "the old oyster\n") == .exited(0))
        #expect(try login("alice/2", "the new oyster") == .exited(0))
        #expect(try login("alice/2", "the old oyster") == .exited(67))

        #expect(try passwd("alice/1", "--delete").end == .exited(0))
        server.kill()
        server = try startServer()
        #expect(try login("alice", "the old oyster") == .exited(67))
        #expect(try login("alice/2", "the new oyster") == .exited(0))
        server.kill()
    }

    @Test func aGeneratedPasswordIsPrintedOnceAndLogsIn() throws {
        let made = try passwd("alice", "--generate")
        #expect(made.end == .exited(0))
        let password = String(try #require(made.lines.first { !$0.contains(" ") }))
        // 80 bits in characters of 5 bits each, in groups of four.
        #expect(password.filter { $0 != "-" }.count == 16)
        let file = try #require(TemporaryFolder.read("\(folder.path)/passwords"))
        #expect(!file.contains(password))
        let again = try passwd("bob", "--generate")
        #expect(!again.output.contains(password))

        let server = try startServer()
        #expect(try login("alice", password) == .exited(0))
        #expect(try login("bob", password) == .exited(67))
        server.kill()
    }

    @Test func onlyTheOwnerMayReadThePasswordFile() throws {
        #expect(try passwd("alice", password: "the oyster").end == .exited(0))
        var facts = stat()
        #expect(stat("\(folder.path)/passwords", &facts) == 0)
        #expect(facts.st_mode & 0o777 == 0o600)

        chmod("\(folder.path)/passwords", 0o640)
        let server = try Sallyport.run(
            "server",
            "--listen",
            "\(link)",
            "--passwords",
            "passwords",
            "--service",
            "app=\(echo.port)",
            in: folder
        )
        #expect(server.end == .exited(77))
        #expect(server.output.contains("chmod 600"))
    }

    @Test func deletingAUserDeletesAllPasswordsOfTheUser() throws {
        for user in ["alice", "alice/2", "bob"] {
            #expect(try passwd(user, password: "the oyster").end == .exited(0))
        }
        #expect(try passwd("alice", "--delete").end == .exited(0))
        let file = try #require(TemporaryFolder.read("\(folder.path)/passwords"))
        #expect(!file.contains("alice") && file.contains("bob/1"))
        #expect(try passwd("alice", "--delete").end == .exited(78))
    }

    @Test(arguments: ["ali=ce", "#alice", "=", "#"])
    func anInvalidUserNameIsRefused(user: String) throws {
        let refused = try passwd(user, password: "the oyster")
        #expect(refused.end == .exited(64) || refused.end == .exited(78))
        #expect(access("\(folder.path)/passwords", F_OK) != 0)
    }

    @Test func anEmptyPasswordIsRefused() throws {
        #expect(try passwd("alice", password: "\n").end == .exited(78))
        #expect(access("\(folder.path)/passwords", F_OK) != 0)
    }
}
