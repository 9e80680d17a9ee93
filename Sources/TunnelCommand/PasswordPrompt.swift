import Platform
import SecureLink

/// Asks for a password at a terminal, without showing what is typed.
enum PasswordPrompt {
    /// Asks until the same was typed twice.
    static func askTwice(_ prompt: String) throws(CredentialFault) -> LoginPassword {
        while true {
            var first = try ask(prompt)
            var second = try ask("Again: ")
            defer {
                wipe(&first)
                wipe(&second)
            }
            if first == second { return try LoginPassword(first) }
            TerminalOutput.note("They differ.")
        }
    }

    /// Asks once.
    static func askOnce(_ prompt: String) throws(CredentialFault) -> LoginPassword {
        var typed = try ask(prompt)
        defer { wipe(&typed) }
        return try LoginPassword(typed)
    }

    private static func ask(_ prompt: String) throws(CredentialFault) -> [UInt8] {
        var quiet = termios()
        guard tcgetattr(STDIN_FILENO, &quiet) == 0 else {
            throw CredentialFault("standard input is no terminal")
        }
        let before = quiet
        quiet.c_lflag &= ~tcflag_t(ECHO)
        // Interrupted while it does not echo, the terminal would stay silent: signals wait until it is as before.
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
            // Without signals, an interrupt is a character.
            if count == 1, byte == 3 { throw CredentialFault("interrupted") }
            guard count == 1, byte != UInt8(ascii: "\n") else { break }
            line.append(byte)
        }
        return line
    }

    /// No password is longer; what is typed beyond it is refused as too long.
    private static let maxLine = 2048

    private static func wipe(_ bytes: inout [UInt8]) {
        for index in bytes.indices { bytes[index] = 0 }
    }
}
