import ArgumentParser
import Platform

struct SallyportCommand: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "sallyport",
        abstract: "",
        discussion: """
            EXAMPLES
              sallyport demo
                  run both ends and an echo service on this machine, as a trial
              sallyport passwd passwords alice
                  set a password for alice in the password file of the server end
              sallyport server --listen :7443 --passwords passwords --service db=127.0.0.1:5432
              sallyport client --accept 127.0.0.1:5432 --peer alice@host:7443 --password-file pw --service db
                  run the two ends without a configuration file
              sallyport run tunnel.conf
                  run what a configuration file describes; it has settings for everything

            An encrypted tunnel for TCP services, authenticated with a password.
            """,
        version: version,
        subcommands: [
            RunCommand.self, CheckCommand.self, PasswdCommand.self, ServerCommand.self, ClientCommand.self,
            ConnectCommand.self, DemoCommand.self, SelfTestCommand.self,
            ConsoleCommand.self,
        ]
    )
}

/// Runs the program.
///
/// - Parameter arguments: the command line without the name of the program.
/// - Returns: the exit status of the process.
package func runSallyport(_ arguments: [String]) -> Int32 {
    // The argument parser handles `--version` itself and cannot add the versions of the libraries.
    if Set(arguments) == ["--version", "-v"] {
        TerminalOutput.result(VersionText(SallyportCommand.version).description)
        return ExitStatus.success.rawValue
    }
    do {
        var command = try SallyportCommand.parseAsRoot(arguments)
        try command.run()
        return ExitStatus.success.rawValue
    } catch let failure as CommandFailure {
        if let message = failure.message { TerminalOutput.failure(message) }
        return failure.status.rawValue
    } catch {
        let status = SallyportCommand.exitCode(for: error).rawValue
        let text = HelpText(SallyportCommand.fullMessage(for: error, columns: HelpText.columns)).description
        if status == 0 { TerminalOutput.result(text) } else { TerminalOutput.note(text) }
        return status
    }
}
