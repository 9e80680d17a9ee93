import ArgumentParser
import EventIO
import Logging
import Platform
import SecureLink
import Tunnel

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs the tunnel that tunnel.conf describes, in the foreground.",
        discussion: """
            EXAMPLES
              sallyport run                        ./tunnel.conf
              sallyport run /etc/sallyport/*.conf  several files, taken together

            TERM or INT ends it when its streams have ended, at the latest after `drain-timeout`; a second one ends it at \
            once.
            """
    )

    @Argument(help: "The files to read.", completion: .file(extensions: ["conf"]))
    var files: [String] = ["tunnel.conf"]

    @Flag(help: "Only look whether it could run, as `sallyport check` does.")
    var check = false

    @Flag(
        help: ArgumentHelp("End at once when standard input ends: for `sallyport demo`.", visibility: .hidden)
    )
    var leashed = false

    func run() throws {
        if leashed { try Self.leash() }
        if check {
            try CheckCommand.check(files, prints: false)
            return
        }
        let ready = try ReadyConfiguration(files: files)
        try Self.run(ready)
    }

    /// Ends the process when whoever started it has gone.
    private static func leash() throws {
        do throws(SystemFailure) {
            _ = try LoopThread(name: "sly-leash") {
                var byte: UInt8 = 0
                while read(STDIN_FILENO, &byte, 1) > 0 || errno == EINTR {}
                _exit(ExitStatus.success.rawValue)
            }
        } catch {
            throw CommandFailure(status: .software, message: error.description)
        }
    }

    /// What reads the password file anew, if there is one.
    private static func passwords(
        of configuration: TunnelConfiguration
    ) -> (() throws(CredentialFault) -> PasswordTable)? {
        guard let path = configuration.server?.passwordFile else { return nil }
        return { () throws(CredentialFault) in try PasswordFile(reading: path).table() }
    }

    /// Runs a tunnel until it has ended.
    static func run(_ ready: ReadyConfiguration) throws {
        ProcessControl.prepare()
        let destination: LogDestination
        let tunnel: ConfinedTunnel
        do throws(SystemFailure) {
            destination =
                switch ready.configuration.log.destination {
                case .standardError: try LogDestination()
                case .file(let path): try LogDestination(file: path)
                }
            let logger = Logger(label: "sallyport") { _ in
                LineLogHandler(ready.configuration.log, destination: destination)
            }
            tunnel = try PreparedTunnel(
                ready.configuration,
                secrets: ready.secrets,
                logger: logger,
                // From a terminal, HUP says that the terminal has gone.
                hangUp: TerminalOutput.isTerminal(STDIN_FILENO)
                    ? .ends : .rereadsPasswords(Self.passwords(of: ready.configuration))
            ).confine()
        } catch {
            throw CommandFailure(status: .systemRefused, message: error.description)
        }
        let service = tunnel.service
        let outcome = tunnel.run()
        // Never freed: a second signal that comes now would else end the process, and its exit status would not tell how
        // the streams ended.
        _ = Unmanaged.passRetained(service)
        let isRead = destination.finish() || ready.configuration.log.destination != .standardError
        let failure: CommandFailure
        switch outcome {
        case .drained: return
        case .cutShort:
            failure = CommandFailure(status: .cutShort, message: "streams were cut off before they had ended")
        case .failed(let refusal):
            failure = CommandFailure(status: .systemRefused, message: refusal.description)
        }
        // Where the log is not read, nobody reads this either: its writer would wait for ever.
        throw isRead ? failure : CommandFailure(status: failure.status, message: nil)
    }
}
