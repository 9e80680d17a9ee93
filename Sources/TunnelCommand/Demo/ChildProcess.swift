import EventIO
import Glibc

/// A second process of this program, which ends with this one.
final class ChildProcess {
    private let process: pid_t
    /// Held open for as long as the child is to live: it ends when the other end of its standard input is closed.
    private let leash: Int32

    /// Starts this program anew with these arguments; its output goes to a file.
    init(_ arguments: [String], output path: String) throws(SystemFailure) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemFailure("pipe", code: errno) }
        _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        var words: [UnsafeMutablePointer<CChar>?] = (["sallyport"] + arguments).map { strdup($0) } + [nil]
        defer {
            for word in words { free(word) }
            posix_spawn_file_actions_destroy(&actions)
        }
        var started = pid_t()
        let code = posix_spawn(&started, "/proc/self/exe", &actions, nil, &words, environ)
        close(ends[0])
        guard code == 0 else {
            close(ends[1])
            throw SystemFailure("start", "sallyport", code: code)
        }
        process = started
        leash = ends[1]
    }

    deinit {
        close(leash)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    /// Whether the child still runs.
    var isRunning: Bool {
        var status: Int32 = 0
        return waitpid(process, &status, WNOHANG) == 0
    }

    /// The child's number, for whoever wants to look at it.
    var identifier: Int32 { process }
}
