package import SystemPackage

/// A second process of this program, which ends when this process ends or releases the object.
///
/// The arguments must tell the child to watch its standard input: it is a pipe, and this object holds the other end. Confined to
/// one thread.
package final class ChildProcess {
    private let process: pid_t
    private let standardInput: FileDescriptor

    /// Starts this program with these arguments; its standard output and standard error go to the file `output`.
    ///
    /// - Throws: the error of `pipe` or of `posix_spawn`.
    package init(_ arguments: [String], output path: String) throws(Errno) {
        let ends: (readEnd: FileDescriptor, writeEnd: FileDescriptor)
        do { ends = try FileDescriptor.pipe() } catch { throw (error as? Errno) ?? .badFileDescriptor }
        _ = fcntl(ends.writeEnd.rawValue, F_SETFD, FD_CLOEXEC)
        defer { try? ends.readEnd.close() }
        var actions = Self.noActions
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends.readEnd.rawValue, STDIN_FILENO)
        posix_spawn_file_actions_addclose(&actions, ends.readEnd.rawValue)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        var words: [UnsafeMutablePointer<CChar>?] = (["sallyport"] + arguments).map { strdup($0) } + [nil]
        defer {
            for word in words { free(word) }
            posix_spawn_file_actions_destroy(&actions)
        }
        var started = pid_t()
        let code = posix_spawn(&started, Self.executable, &actions, nil, &words, Self.environment)
        guard code == 0 else {
            try? ends.writeEnd.close()
            throw Errno(rawValue: code)
        }
        process = started
        standardInput = ends.writeEnd
    }

    deinit {
        try? standardInput.close()
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    /// Whether the child is still running.
    package var isRunning: Bool {
        var status: Int32 = 0
        return waitpid(process, &status, WNOHANG) == 0
    }

    /// The child's process ID.
    package var identifier: Int32 { process }

    #if os(Linux)
        private static var noActions: posix_spawn_file_actions_t { posix_spawn_file_actions_t() }
        private static let executable = "/proc/self/exe"
        private static var environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> { environ }
    #else
        // On this system the type is a pointer. The program is found by the path that it was started with.
        private static var noActions: posix_spawn_file_actions_t? { nil }
        private static var executable: String { CommandLine.arguments[0] }
        private static var environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
            _NSGetEnviron().pointee
        }
    #endif
}
