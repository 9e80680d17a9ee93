import ArgumentParser
import ConfigurationFile
import EventIO
import SecureLink
import Tunnel

struct ServerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server",
        abstract: "Runs the server end, next to the services, without a configuration file.",
        discussion: """
            EXAMPLES
              sallyport server --listen :7443 --passwords passwords --service db=127.0.0.1:5432
              sallyport server --listen :7443 --passwords passwords --service web=:80 --service pg=unix:/run/pg.sock
            """
    )

    @Option(help: "The address that peers dial: HOST:PORT, :PORT or unix:/PATH. Repeatable.")
    var listen: [String]

    @Option(help: "The password file, created with `sallyport passwd`.", completion: .file())
    var passwords: String

    @Option(help: "NAME=TARGET: a service that peers may open, and its address. Repeatable.")
    var service: [String]

    @OptionGroup var log: LogOptions

    func run() throws {
        let services = try service.map { text in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw ValidationError("--service \(text): write NAME=TARGET, as in db=127.0.0.1:5432")
            }
            return ServiceConfiguration(
                name: parts[0],
                targets: [try Endpoint.option("--service", parts[1], .dialling(barePortHost: "127.0.0.1"))]
            )
        }
        let listens = try listen.map { try Endpoint.option("--listen", $0, .listening(barePortHost: "")) }
        if let fault = SecretFileCheck.system.fault(passwords) { throw fault.commandFailure }
        let server = ServerConfiguration(listen: listens, passwordFile: passwords)
        let configuration = try checked { () throws(InvalidConfiguration) in
            try TunnelConfiguration(log: log.settings, server: server, services: services)
        }
        try RunCommand.run(ReadyConfiguration(configuration))
    }
}

/// The log options of every command that runs a tunnel.
struct LogOptions: ParsableArguments {
    @Option(help: "The least important level to log: error, warning, info or debug.")
    var logLevel: String = LogSettings.defaultLevel.rawValue

    @Option(help: "The format of log lines: text or json.")
    var logFormat: String = LogSettings.defaultFormat.rawValue

    var settings: LogSettings {
        LogSettings(
            level: LogSettings.Level(rawValue: logLevel) ?? LogSettings.defaultLevel,
            format: LogSettings.Format(rawValue: logFormat) ?? LogSettings.defaultFormat
        )
    }

    func validate() throws {
        guard LogSettings.Level(rawValue: logLevel) != nil else {
            throw ValidationError("--log-level \(logLevel): unknown level; use error, warning, info or debug")
        }
        guard LogSettings.Format(rawValue: logFormat) != nil else {
            throw ValidationError("--log-format \(logFormat): unknown format; use text or json")
        }
    }
}

extension Endpoint {
    /// Parses an address from the command line.
    static func option(_ option: String, _ text: String, _ use: Use) throws -> Endpoint {
        do {
            return try Endpoint(parsing: text, for: use)
        } catch {
            let hint = error.hint.map { "; \($0)" } ?? ""
            throw ValidationError("\(option) \(text): \(error.message)\(hint)")
        }
    }
}

extension SecretFileFault {
    var commandFailure: CommandFailure {
        let hint = hint.map { "\n  hint: \($0)" } ?? ""
        return CommandFailure(
            status: remedy == .permission ? .permission : .configuration,
            message: message + hint
        )
    }
}

/// Makes a configuration from command-line options; an error in it is a usage error (64).
func checked(_ make: () throws(InvalidConfiguration) -> TunnelConfiguration) throws -> TunnelConfiguration {
    do {
        return try make()
    } catch {
        throw CommandFailure(status: .usage, message: error.description)
    }
}
