/// The exit status of the process: a number of `sysexits.h` where one fits.
package enum ExitStatus: Int32, Sendable {
    /// The command succeeded, or the tunnel was drained.
    case success = 0
    /// The command line is wrong.
    case usage = 64
    /// The server refused the password.
    case passwordRefused = 67
    /// The peer or the service cannot be reached, or the stream was cut off (`connect`).
    case unreachable = 69
    /// The program itself failed.
    case software = 70
    /// An address could not be bound, a file could not be opened or written, or another system call failed at start.
    case systemRefused = 71
    /// Draining was cut short: open streams were cut off.
    case cutShort = 75
    /// The other end speaks another protocol or version.
    case incompatible = 76
    /// A file has the wrong owner or mode, and nothing else is wrong.
    case permission = 77
    /// The configuration, a password or the password file is wrong, or the server has another realm than the required one.
    case configuration = 78
}

/// The error that ends a command, with the message to print and the exit status.
struct CommandFailure: Error {
    let status: ExitStatus
    /// The message for the user: what happened, to what, why, and what to do.
    ///
    /// It is `nil` if no program reads standard error, on which printing would block.
    let message: String?
}
