import ArgumentParser
import Platform
import SecureLink
import Tunnel
import Vocabulary

struct PasswdCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "passwd",
        abstract: "Adds, changes or removes a password in a server's password file.",
        discussion: """
            EXAMPLES
              sallyport passwd passwords alice               asks for the password twice, without echo
              sallyport passwd passwords alice --generate    generates a password and prints it once
              printf %s "$SECRET" | sallyport passwd passwords alice
              sallyport passwd passwords alice --delete
              sallyport passwd --application chat passwords alice    for a message server

            The file is created on first use, with mode 0600. It holds verifiers, not the passwords. A password is never taken \
            from the command line, because other users could see it there.
            """
    )

    @Argument(help: "The password file.", completion: .file())
    var file: String

    @Argument(help: "The user, 1 to 64 bytes; alice/2 is a second password of alice.")
    var user: String

    @Flag(help: "Remove the user with all passwords; alice/2 removes only that password.")
    var delete = false

    @Flag(help: "Generate a password of 80 random bits and print it once.")
    var generate = false

    @Option(
        help:
            "Create the file for an application of the library; its clients accept no other server. Default name: `sallyport`."
    )
    var application: String?

    func validate() throws {
        if delete, generate { throw ValidationError("--delete and --generate cannot be combined") }
    }

    func run() throws {
        do {
            if delete { try remove() } else { try set() }
        } catch let fault as CredentialFault {
            throw CommandFailure(status: .configuration, message: fault.text)
        }
    }

    /// Writes the file, or leaves the old one unchanged.
    private func save(_ passwords: PasswordFile) throws {
        do throws(CredentialFault) { try passwords.write() } catch {
            throw CommandFailure(status: .systemRefused, message: "\(error.text); nothing was changed")
        }
    }

    private func remove() throws {
        var passwords = try PasswordFile(reading: file)
        guard passwords.remove(user) > 0 else { throw CredentialFault("\(file): there is no user \(user)") }
        try save(passwords)
        TerminalOutput.note("removed \(user) from \(file)")
    }

    private func set() throws {
        do throws(IdentityError) {
            _ = try Identity(user, asWord: true)
        } catch {
            throw CredentialFault([error.message, error.hint].compactMap(\.self).joined(separator: ": "))
        }
        var passwords: PasswordFile
        if let application {
            passwords = try PasswordFile(creating: file, application: application)
        } else {
            passwords = try PasswordFile(creating: file)
        }
        let password: LoginPassword
        var generated: String?
        if generate {
            let made = try LoginPassword.generate()
            password = made.password
            generated = made.text
        } else if TerminalOutput.isTerminal(STDIN_FILENO) {
            password = try PasswordPrompt.askTwice("Password for \(user): ")
        } else {
            password = try LoginPassword(descriptor: STDIN_FILENO)
        }
        let isChanged = try passwords.set(user, password)
        try save(passwords)
        if let generated { TerminalOutput.result(generated) }
        TerminalOutput.note(
            "\(isChanged ? "changed the password of \(user) in" : "added \(user) to") \(file)"
        )
    }
}
