import ArgumentParser
import CryptoPrimitives
import EventIO
import Tunnel

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validates a configuration and reports all errors in it.",
        discussion: """
            EXAMPLES
              sallyport check                        checks ./tunnel.conf
              sallyport check --print tunnel.conf    prints the configuration with all defaults filled in

            Checks the text, the secret files and their permissions, and that this machine has the addresses to listen on. It \
            does not listen and dials no peer. Exit status: 0 the configuration is valid, 71 an address cannot be listened on, \
            77 a secret file has the wrong owner or mode, 78 the configuration has errors.
            """
    )

    @Argument(help: "The configuration files to read.", completion: .file(extensions: ["conf"]))
    var files: [String] = ["tunnel.conf"]

    @Flag(name: .customLong("print"), help: "Print the effective configuration; it contains no secrets.")
    var prints = false

    func run() throws {
        try Self.check(files, prints: prints)
    }

    static func check(_ files: [String], prints: Bool) throws {
        let ready = try ReadyConfiguration(files: files)
        try checkAddresses(ready.configuration)
        if prints {
            TerminalOutput.result(EffectiveConfiguration(ready.configuration).description)
        } else {
            TerminalOutput.note("\(files.joined(separator: " ")): the configuration is valid")
            if let backend = try? ready.configuration.aead.backend() {
                TerminalOutput.note("AES-256-GCM: \(backend)")
            }
        }
    }

    /// Checks that this machine has every address to listen on.
    ///
    /// An address that is in use is not an error: the tunnel that uses it may be running with an older version of this
    /// configuration.
    private static func checkAddresses(_ configuration: TunnelConfiguration) throws {
        let endpoints = (configuration.server?.listen ?? []) + configuration.routes.flatMap(\.accept)
        for endpoint in endpoints {
            do throws(SystemFailure) {
                for address in try endpoint.listenAddresses() where !address.isUnix {
                    _ = try BoundSocket(address.withAnyPort)
                }
            } catch {
                throw CommandFailure(
                    status: .systemRefused,
                    message:
                        "cannot listen on \(endpoint): \(error.description); use an address of this machine"
                )
            }
        }
    }
}
