import Platform

/// Prints results to standard output, and messages for the user to standard error.
///
/// It uses colours only on a terminal, and not if `NO_COLOR` is set. Errors begin with the name of the program; hints are
/// indented.
enum TerminalOutput {
    /// Prints a result, which a script may read.
    static func result(_ text: String) {
        put(text + "\n", to: STDOUT_FILENO)
    }

    /// Prints a message for the user.
    static func note(_ text: String) {
        put(text + "\n", to: STDERR_FILENO)
    }

    /// Prints an error.
    static func failure(_ text: String) {
        let name = isColourful(STDERR_FILENO) ? "\u{1B}[31msallyport:\u{1B}[0m" : "sallyport:"
        put("\(name) \(text)\n", to: STDERR_FILENO)
    }

    /// Prints a question; the user answers on the same line.
    static func prompt(_ text: String) {
        put(text, to: STDERR_FILENO)
    }

    /// The text in bold if standard output is a terminal.
    static func bold(_ text: String) -> String {
        isColourful(STDOUT_FILENO) ? "\u{1B}[1m\(text)\u{1B}[0m" : text
    }

    /// Whether a descriptor is a terminal.
    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    private static func isColourful(_ descriptor: Int32) -> Bool {
        isTerminal(descriptor) && getenv("NO_COLOR") == nil
    }

    private static func put(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            // If no program reads standard error, the rest of the message is dropped, so that the process still ends with its
            // status.
            if descriptor == STDERR_FILENO, !takesBytes(descriptor) { return }
            let part = min(bytes.count - written, Self.pipeCount)
            let count = bytes.withUnsafeBytes {
                Platform.write(descriptor, $0.baseAddress.map { $0 + written }, part)
            }
            guard count > 0 || errno == EINTR else { return }
            written += max(0, count)
        }
    }

    /// Whether a descriptor takes bytes within ``timeoutMilliseconds``.
    private static func takesBytes(_ descriptor: Int32) -> Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&wanted, 1, timeoutMilliseconds) != 0
    }

    /// The time limit for standard error to take more bytes, in milliseconds.
    ///
    /// Larger: a process whose messages no program reads ends later. Smaller: a slow reader loses a message.
    private static let timeoutMilliseconds: Int32 = 3000
    /// The number of bytes that a pipe takes without blocking once it is ready (`PIPE_BUF` on Linux).
    private static let pipeCount = 4096
}
