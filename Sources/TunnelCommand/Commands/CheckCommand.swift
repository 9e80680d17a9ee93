import ArgumentParser
import CryptoPrimitives
import EventIO
import Tunnel

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Tells all faults of a configuration, or that it can run.",
        discussion: """
            EXAMPLES
              sallyport check                        ./tunnel.conf
              sallyport check --print tunnel.conf    the configuration with every default made visible

            Looks at the text, at the secret files and their permissions, and whether the addresses to listen at exist here. \
            It listens at nothing and dials nobody. Exit status: 0 it can run, 78 a fault, 77 a permission.
            """
    )

    @Argument(help: "The files to read.", completion: .file(extensions: ["conf"]))
    var files: [String] = ["tunnel.conf"]

    @Flag(name: .customLong("print"), help: "Print the effective configuration; no secret is in it.")
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
            TerminalOutput.note("\(files.joined(separator: " ")): it can run")
            if let backend = try? ready.configuration.aead.backend() {
                TerminalOutput.note("AES-256-GCM by \(backend)")
            }
        }
    }

    /// Whether every address to listen at can be an address of this machine.
    ///
    /// An address that is in use is not a fault: it is, by the very tunnel that this configuration may be
    /// meant for.
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
                    message: "cannot listen at \(endpoint): \(error.description)"
                )
            }
        }
    }
}
