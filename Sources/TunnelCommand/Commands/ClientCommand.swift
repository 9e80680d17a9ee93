import ArgumentParser
import EventIO
import Platform
import SecureLink
import Tunnel
import Vocabulary

struct ClientCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client",
        abstract: "Runs the client end, next to the applications, without a configuration file.",
        discussion: """
            EXAMPLES
              sallyport client --accept 127.0.0.1:5432 --peer alice@tunnel.example.com:7443 --service db
                  asks for the password
              sallyport client --accept 5432 --peer alice@host:7443 --password-file pw --service db
            """
    )

    @Option(
        help:
            "The address that applications connect to: HOST:PORT, PORT (on 127.0.0.1) or unix:/PATH. Repeatable."
    )
    var accept: [String]

    @OptionGroup var peer: PeerOptions

    @Option(help: "The service of the peer to open.")
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

/// The options with which a command names the peer, the user and the password.
struct PeerOptions: ParsableArguments {
    /// The name of the peer in the log.
    static let name = "peer"

    @Option(help: "The user to log in as and the address of the peer: USER@HOST:PORT.")
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
            throw ValidationError("peer \(text): there is no `@`; write USER@HOST:PORT")
        }
        let user: Identity
        do {
            user = try Identity(String(text[..<at]), asWord: true)
        } catch {
            throw ValidationError("peer \(text): \(error.message)")
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

/// The options for the source of the password, and for the realm.
struct PasswordOptions: ParsableArguments {
    @Option(
        help: "The file that holds the password. Only its owner may be able to read or change it.",
        completion: .file()
    )
    var passwordFile: String?

    @Option(help: "The environment variable that holds the password. Default: ask at the terminal.")
    var passwordEnv: String?

    @Option(help: "The only realm to accept. Default: learned from the server.")
    var realm: String?

    var source: PasswordSource? {
        passwordFile.map { .file(path: $0) } ?? passwordEnv.map { .environment(name: $0) }
    }

    func validate() throws {
        if passwordFile != nil, passwordEnv != nil {
            throw ValidationError("--password-file and --password-env cannot be combined")
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
                message:
                    "no password: standard input is not a terminal; use --password-file or --password-env"
            )
        }
        return try PasswordPrompt.askOnce("Password for \(peer): ")
    }
}
