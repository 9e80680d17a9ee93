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
                  both ends and an echo service on this machine: see it work
              sallyport passwd passwords alice
                  a password for alice, in the file that the server end reads
              sallyport server --listen :7443 --passwords passwords --service db=127.0.0.1:5432
              sallyport client --accept 127.0.0.1:5432 --peer alice@host:7443 --password-file pw --service db
                  the two ends, without a file
              sallyport run tunnel.conf
                  the same from a file, and everything else

            An encrypted tunnel for TCP services, opened with a password.
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
/// - Parameter arguments: the command line without the program's name.
/// - Returns: the process's exit status.
package func runSallyport(_ arguments: [String]) -> Int32 {
    // The parser answers `--version` by itself and has no place for more.
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
