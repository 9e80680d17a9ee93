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
              sallyport run                        runs ./tunnel.conf
              sallyport run /etc/sallyport/*.conf  reads several files as one configuration

            TERM or INT drains: the process exits when its streams have ended, at the latest after `drain-timeout`. A second \
            signal ends it at once.
            """
    )

    @Argument(help: "The configuration files to read.", completion: .file(extensions: ["conf"]))
    var files: [String] = ["tunnel.conf"]

    @Flag(help: "Validate the configuration and exit (same as `sallyport check`).")
    var check = false

    @Flag(
        help: ArgumentHelp(
            "Exit at once when standard input ends; used by `sallyport demo`.",
            visibility: .hidden
        )
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

    /// Ends the process when standard input is closed, because its parent has ended then.
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

    /// A function that reads the password file again; `nil` if this process is not a server.
    private static func passwords(
        of configuration: TunnelConfiguration
    ) -> (() throws(CredentialFault) -> PasswordTable)? {
        guard let path = configuration.server?.passwordFile else { return nil }
        return { () throws(CredentialFault) in try PasswordFile(reading: path).table() }
    }

    /// Runs a tunnel until it ends.
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
                // At a terminal, HUP means that the terminal was closed.
                hangUp: TerminalOutput.isTerminal(STDIN_FILENO)
                    ? .ends : .rereadsPasswords(Self.passwords(of: ready.configuration))
            ).confine()
        } catch {
            throw CommandFailure(status: .systemRefused, message: error.description)
        }
        let service = tunnel.service
        let outcome = tunnel.run()
        // Never freed, so that its signal handlers stay: without them a second signal would kill the process, and the exit
        // status would not say how the streams ended.
        _ = Unmanaged.passRetained(service)
        let isRead = destination.finish() || ready.configuration.log.destination != .standardError
        let failure: CommandFailure
        switch outcome {
        case .drained: return
        case .cutShort:
            failure = CommandFailure(
                status: .cutShort,
                message: "streams were cut off by drain-timeout, a second signal or a lost link"
            )
        case .failed(let refusal):
            failure = CommandFailure(status: .systemRefused, message: refusal.description)
        }
        // If no program reads the log on standard error, none reads this message, and writing it would block forever.
        throw isRead ? failure : CommandFailure(status: failure.status, message: nil)
    }
}
