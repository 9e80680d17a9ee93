/// How the process tells a script what became of it: numbers of `sysexits.h` where there is one.
package enum ExitStatus: Int32, Sendable {
    /// Done, or drained.
    case success = 0
    /// The command line is wrong.
    case usage = 64
    /// The password was refused.
    case passwordRefused = 67
    /// The peer cannot be reached.
    case unreachable = 69
    /// Something of ours failed.
    case software = 70
    /// An address could not be bound, or a file not written.
    case systemRefused = 71
    /// Draining was cut short.
    case cutShort = 75
    /// The other end speaks another protocol or version.
    case incompatible = 76
    /// A secret file that others can read, or a privilege that is missing.
    case permission = 77
    /// The configuration is wrong.
    case configuration = 78
}

/// A command cannot go on: what is printed, and how the process ends.
struct CommandFailure: Error {
    let status: ExitStatus
    /// What happened, to what, why, and what to do: lines for people, if anybody reads them.
    let message: String?
}
