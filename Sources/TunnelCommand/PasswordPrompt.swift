import Platform
import SecureLink

/// Asks for a password at a terminal, without echo.
enum PasswordPrompt {
    /// Asks until the user types the same password twice.
    static func askTwice(_ prompt: String) throws(CredentialFault) -> LoginPassword {
        while true {
            var first = try ask(prompt)
            var second = try ask("Again: ")
            defer {
                wipe(&first)
                wipe(&second)
            }
            if first == second { return try LoginPassword(first) }
            TerminalOutput.note("The passwords do not match. Try again.")
        }
    }

    /// Asks for a password once.
    static func askOnce(_ prompt: String) throws(CredentialFault) -> LoginPassword {
        var typed = try ask(prompt)
        defer { wipe(&typed) }
        return try LoginPassword(typed)
    }

    private static func ask(_ prompt: String) throws(CredentialFault) -> [UInt8] {
        var quiet = termios()
        guard tcgetattr(STDIN_FILENO, &quiet) == 0 else {
            throw CredentialFault("cannot ask for a password: standard input is not a terminal")
        }
        let before = quiet
        quiet.c_lflag &= ~tcflag_t(ECHO)
        // Signals are blocked until the old settings are restored: a signal that ended the process before that would leave the
        // terminal without echo.
        var blocked = sigset_t()
        var previous = sigset_t()
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGINT)
        sigaddset(&blocked, SIGTSTP)
        sigaddset(&blocked, SIGQUIT)
        quiet.c_lflag &= ~tcflag_t(ISIG)
        sigprocmask(SIG_BLOCK, &blocked, &previous)
        var restored = before
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &restored)
            sigprocmask(SIG_SETMASK, &previous, nil)
            TerminalOutput.note("")
        }
        TerminalOutput.prompt(prompt)
        return try readLine()
    }

    private static func readLine() throws(CredentialFault) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(maxLine)
        while line.count < maxLine {
            var byte: UInt8 = 0
            let count = read(STDIN_FILENO, &byte, 1)
            if count < 0, errno == EINTR { continue }
            // ISIG is off, so Ctrl-C arrives as a character.
            if count == 1, byte == 3 { throw CredentialFault("interrupted") }
            guard count == 1, byte != UInt8(ascii: "\n") else { break }
            line.append(byte)
        }
        return line
    }

    /// The longest line that is read, in bytes.
    ///
    /// It is longer than any valid password, so a line that fills it is refused as too long.
    private static let maxLine = 2048

    private static func wipe(_ bytes: inout [UInt8]) {
        for index in bytes.indices { bytes[index] = 0 }
    }
}
