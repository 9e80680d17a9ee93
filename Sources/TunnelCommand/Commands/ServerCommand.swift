import ArgumentParser
import ConfigurationFile
import EventIO
import SecureLink
import Tunnel

struct ServerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server",
        abstract: "The end near the services, without a file.",
        discussion: """
            EXAMPLES
              sallyport server --listen :7443 --passwords passwords --service db=127.0.0.1:5432
              sallyport server --listen :7443 --passwords passwords --service web=:80 --service pg=unix:/run/pg.sock
            """
    )

    @Option(help: "Where peers dial: HOST:PORT, :PORT or unix:/PATH. Repeatable.")
    var listen: [String]

    @Option(help: "The password file, made by `sallyport passwd`.", completion: .file())
    var passwords: String

    @Option(help: "NAME=TARGET: what peers may open, and where it is. Repeatable.")
    var service: [String]

    @OptionGroup var log: LogOptions

    func run() throws {
        let services = try service.map { text in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw ValidationError("--service \(text): write it as NAME=TARGET, such as db=127.0.0.1:5432")
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

/// What every command that runs a tunnel says about its log.
struct LogOptions: ParsableArguments {
    @Option(help: "error, warning, info or debug.")
    var logLevel: String = LogSettings.defaultLevel.rawValue

    @Option(help: "text or json.")
    var logFormat: String = LogSettings.defaultFormat.rawValue

    var settings: LogSettings {
        LogSettings(
            level: LogSettings.Level(rawValue: logLevel) ?? LogSettings.defaultLevel,
            format: LogSettings.Format(rawValue: logFormat) ?? LogSettings.defaultFormat
        )
    }

    func validate() throws {
        guard LogSettings.Level(rawValue: logLevel) != nil else {
            throw ValidationError("--log-level is one of error, warning, info, debug")
        }
        guard LogSettings.Format(rawValue: logFormat) != nil else {
            throw ValidationError("--log-format is one of text, json")
        }
    }
}

extension Endpoint {
    /// Reads an address of the command line.
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

/// Makes a configuration of command-line options; a fault in it is a fault of usage.
func checked(_ make: () throws(InvalidConfiguration) -> TunnelConfiguration) throws -> TunnelConfiguration {
    do {
        return try make()
    } catch {
        throw CommandFailure(status: .usage, message: error.description)
    }
}
