import ArgumentParser
import EventIO
import Platform
import SecureLink
import Tunnel
import Vocabulary

struct ClientCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client",
        abstract: "The end near the applications, without a file.",
        discussion: """
            EXAMPLES
              sallyport client --accept 127.0.0.1:5432 --peer alice@tunnel.example.com:7443 --service db
                  asks for the password
              sallyport client --accept 5432 --peer alice@host:7443 --password-file pw --service db
            """
    )

    @Option(help: "Where applications connect: HOST:PORT, PORT (on 127.0.0.1) or unix:/PATH. Repeatable.")
    var accept: [String]

    @OptionGroup var peer: PeerOptions

    @Option(help: "The service to open at the peer.")
    var service: String

    @OptionGroup var log: LogOptions

    func run() throws {
        let accepts = try accept.map {
            try Endpoint.option("--accept", $0, .listening(barePortHost: "127.0.0.1"))
        }
        let route = RouteConfiguration(
            name: service,
            accept: accepts,
            peer: PeerOptions.name,
            service: service
        )
        try RunCommand.run(peer.ready(routes: [route], workers: nil, log: log.settings))
    }
}

/// How a command names the peer and what it takes to log in there.
struct PeerOptions: ParsableArguments {
    /// What the peer is called in the log.
    static let name = "peer"

    @Option(help: "USER@HOST:PORT.")
    var peer: String

    @OptionGroup var password: PasswordOptions

    func ready(routes: [RouteConfiguration], workers: Int?, log: LogSettings) throws -> ReadyConfiguration {
        try PeerOptions.ready(peer, password, routes: routes, workers: workers, log: log)
    }

    static func ready(
        _ text: String,
        _ password: PasswordOptions,
        routes: [RouteConfiguration],
        workers: Int?,
        log: LogSettings
    ) throws -> ReadyConfiguration {
        guard let at = text.lastIndex(of: "@") else {
            throw ValidationError("\(text): write the peer as USER@HOST:PORT")
        }
        let user: Identity
        do {
            user = try Identity(String(text[..<at]), asWord: true)
        } catch {
            throw ValidationError("\(text): \(error.message)")
        }
        let address = try Endpoint.option(
            "peer",
            String(text[text.index(after: at)...]),
            .dialling(barePortHost: nil)
        )
        let peer = PeerConfiguration(
            name: name,
            addresses: [address],
            user: user,
            password: password.source ?? .environment(name: "(asked for)"),
            realm: password.realm
        )
        let configuration = try checked { () throws(InvalidConfiguration) in
            try TunnelConfiguration(
                workers: workers ?? TunnelConfiguration.defaultWorkers(of: .current),
                log: log,
                peers: [peer],
                routes: routes
            )
        }
        let store: CredentialStore
        do {
            store = try CredentialStore(
                user: user.text,
                password: try password.read(for: text),
                realm: password.realm
            )
        } catch let fault as CredentialFault {
            throw CommandFailure(status: .configuration, message: fault.text)
        }
        return ReadyConfiguration(
            configuration: configuration,
            secrets: TunnelSecrets(passwords: nil, credentials: [name: store])
        )
    }
}

/// Where a command finds the password.
struct PasswordOptions: ParsableArguments {
    @Option(
        help: "The file that holds the password; nobody else may be able to read it.",
        completion: .file()
    )
    var passwordFile: String?

    @Option(help: "The variable of the environment that holds it. With neither, a terminal is asked.")
    var passwordEnv: String?

    @Option(help: "The only realm that is accepted; learned from the server otherwise.")
    var realm: String?

    var source: PasswordSource? {
        passwordFile.map { .file(path: $0) } ?? passwordEnv.map { .environment(name: $0) }
    }

    func validate() throws {
        if passwordFile != nil, passwordEnv != nil {
            throw ValidationError("--password-file and --password-env exclude each other")
        }
    }

    func read(for peer: String) throws -> LoginPassword {
        if let passwordFile {
            if let fault = SecretFileCheck.system.fault(passwordFile) { throw fault.commandFailure }
            return try LoginPassword(file: passwordFile)
        }
        if let passwordEnv { return try LoginPassword(environment: passwordEnv) }
        guard TerminalOutput.isTerminal(STDIN_FILENO) else {
            throw CommandFailure(
                status: .usage,
                message: "no password: use --password-file or --password-env"
            )
        }
        return try PasswordPrompt.askOnce("Password for \(peer): ")
    }
}
