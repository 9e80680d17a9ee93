import ArgumentParser
import EventIO
import Platform
import Sallyport

struct ConsoleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console",
        abstract: "Runs a message server or client that is controlled line by line.",
        discussion: """
            EXAMPLES
              sallyport console serve 127.0.0.1:25565 --passwords passwords
              sallyport console connect 127.0.0.1:25565 --user alice --password-file pw
              sallyport console connect 127.0.0.1:25565 --code k3fm-9xqa --login login.json
              echo 'send chat hello' | sallyport console connect 127.0.0.1:25565 --login login.json

            Reads commands from standard input (`help` lists them) and prints received packets and events. Exits at the end of \
            the input.
            """
    )

    enum Mode: String, CaseIterable, ExpressibleByArgument {
        case serve
        case connect
    }

    @Argument(help: "Run a server (serve) or a client (connect).")
    var mode: Mode

    @Argument(help: "The address to listen on or connect to: HOST:PORT, :PORT, PORT or unix:/PATH.")
    var address: String

    @Option(
        help: "serve: the password file. Created if it does not exist; `pair` adds users to it.",
        completion: .file()
    )
    var passwords: String?

    @Option(help: "connect: the user to log in as.")
    var user: String?

    @Option(help: "connect: the file that holds the password.", completion: .file())
    var passwordFile: String?

    @Option(help: "connect: the file with the user and password obtained by --code.", completion: .file())
    var login: String?

    @Option(help: "connect: the code that `pair` printed; user and password are saved to --login.")
    var code: String?

    @Option(help: "The name of the application; both ends must use the same.")
    var application = "sallyport"

    func validate() throws {
        switch mode {
        case .serve where passwords == nil: throw ValidationError("serve needs --passwords")
        case .connect where code != nil && login == nil: throw ValidationError("--code needs --login")
        case .connect where login == nil && (user == nil || passwordFile == nil):
            throw ValidationError("connect needs --login, or --user and --password-file")
        case .serve, .connect: break
        }
    }

    func run() throws {
        ProcessControl.prepare()
        let command = self
        let failure = waiting { () async -> SallyportError? in
            do throws(SallyportError) {
                switch command.mode {
                case .serve: try await command.serve()
                case .connect: try await command.connect()
                }
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw CommandFailure(failure) }
    }

    private var options: ConnectionOptions {
        var options = ConnectionOptions()
        options.application = application
        return options
    }

    private func serve() async throws(SallyportError) {
        let server = try await MessageServer.start(
            on: address,
            passwords: Passwords(file: passwords ?? "", isMade: true),
            options: options
        )
        TerminalOutput.result("listening on \(server.addresses.joined(separator: ", "))")
        await Console(ServerConsole(server)).run()
        await server.stop()
    }

    private func connect() async throws(SallyportError) {
        let login = try await findLogin()
        let connection = try await MessageClient.connect(to: address, as: login, options: options)
        TerminalOutput.result("connected to \(connection.remoteAddress) as \(connection.user)")
        await Console(ClientConsole(connection)).run()
        await connection.close("console closed")
    }

    private func findLogin() async throws(SallyportError) -> Login {
        if let code, let login {
            return try await MessageClient.pair(
                with: address,
                code: code,
                savingTo: login,
                application: application
            )
        }
        if let login { return try Login(file: login) }
        return try Login(user: user ?? "", passwordFile: passwordFile ?? "", application: application)
    }
}

extension CommandFailure {
    init(_ error: SallyportError) {
        let status: ExitStatus =
            switch error.code {
            case .wrongPassword: .passwordRefused
            case .incompatible, .otherApplication, .malformed: .incompatible
            case .credentials, .invalidArgument: .configuration
            case .system: .systemRefused
            default: .unreachable
            }
        self.init(status: status, message: error.message)
    }
}
