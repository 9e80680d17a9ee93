import Glibc
import Synchronization

/// The end of a process.
enum ChildEnd: Equatable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    var description: String {
        switch self {
        case .exited(let code): "exit \(code)"
        case .signalled(let number): "signal \(number)"
        }
    }
}

/// A process that a scenario has started: its output, its end, and its resources.
///
/// Standard output and standard error go to one file, so that the process never blocks on a reader. The process is killed
/// when this object is freed.
final class Child: Sendable {
    let name: String
    let pid: pid_t
    /// The path of the file with its output.
    let outputPath: String
    private let ended = Mutex<ChildEnd?>(nil)

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - arguments: the program, by its path or its name on the PATH, and its arguments.
    ///   - folder: its working folder, which also gets its output.
    ///   - name: its name in failures and file names.
    ///   - input: the text of its standard input; empty if `nil`.
    ///   - typed: an input that the scenario types; replaces `input`.
    ///   - environment: variables to add to this process's environment.
    ///   - descriptors: the limit of open descriptors; the default one if `nil`.
    /// - Throws: a system error.
    init(
        _ arguments: [String],
        in folder: TemporaryFolder,
        name: String? = nil,
        input: String? = nil,
        typed: TypedInput? = nil,
        environment: [String: String] = [:],
        descriptors: Int? = nil
    ) throws {
        let name = name ?? String(arguments[0].split(separator: "/").last ?? "child")
        self.name = name
        outputPath = folder.newPath(name + ".out")
        let inputPath = typed?.path ?? (input == nil ? "/dev/null" : folder.newPath(name + ".in"))
        if let input { try folder.write(input, to: inputPath) }
        // The shell changes to the folder, sets the limit and executes the program.
        let limit = descriptors.map { "ulimit -n \($0) && " } ?? ""
        let words = ["/bin/sh", "-c", "cd \"$0\" && \(limit)exec \"$@\"", folder.path] + arguments
        pid = try Self.spawn(words, input: inputPath, output: outputPath, environment)
    }

    deinit {
        kill()
    }

    private static func spawn(
        _ words: [String],
        input: String,
        output: String,
        _ environment: [String: String]
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // The threads that run tests block most signals, and a child inherits the signal mask.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var all = inheritedEnvironment
        all.merge(environment) { _, new in new }
        var arguments: [UnsafeMutablePointer<CChar>?] = []
        for word in words { arguments.append(strdup(word)) }
        arguments.append(nil)
        var variables: [UnsafeMutablePointer<CChar>?] = []
        for (name, value) in all { variables.append(strdup("\(name)=\(value)")) }
        variables.append(nil)
        defer { (arguments + variables).forEach { free($0) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, words[0], &actions, &attributes, arguments, variables)
        guard code == 0 else { throw ScenarioFailure("\(words[0]): \(String(cString: strerror(code)))") }
        return pid
    }

    private static var inheritedEnvironment: [String: String] {
        var result: [String: String] = [:]
        for name in ["PATH", "HOME", "LANG", "TMPDIR"] {
            if let value = getenv(name) { result[name] = String(cString: value) }
        }
        return result
    }
}

// MARK: - Output

extension Child {
    /// The output so far.
    var output: String {
        TemporaryFolder.read(outputPath) ?? ""
    }

    /// The complete lines of the output so far.
    var lines: [Substring] {
        let output = output
        // Some programs end a line with CR LF, which Swift treats as one character.
        guard let end = output.lastIndex(where: \.isNewline) else { return [] }
        return output[..<end].split(whereSeparator: \.isNewline)
    }

    /// The lines that contain all of these texts.
    func lines(with texts: String...) -> [Substring] {
        lines.filter { line in texts.allSatisfy { line.contains($0) } }
    }

    /// Waits for a line that contains all of these texts.
    @discardableResult
    func line(
        with texts: String...,
        within timeout: Duration = Waiting.timeout
    ) throws -> Substring {
        try Waiting.for("a line of \(name) with \(texts); it wrote:\n\(output)", within: timeout) {
            lines.first { line in texts.allSatisfy { line.contains($0) } }
        }
    }
}

// MARK: - End

extension Child {
    /// The end of the process; nil while it runs.
    var end: ChildEnd? {
        ended.withLock { ended in
            if let ended { return ended }
            var status: Int32 = 0
            guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
            let number = status & 0x7F
            ended = number == 0 ? .exited((status >> 8) & 0xFF) : .signalled(number)
            return ended
        }
    }

    /// Waits until the process has ended.
    @discardableResult
    func wait(within timeout: Duration = Waiting.timeout) throws -> ChildEnd {
        try Waiting.for("the end of \(name); it wrote:\n\(output)", within: timeout) { end }
    }

    /// Sends a signal to the process, unless it has ended.
    func signal(_ number: Int32) {
        if end == nil { Glibc.kill(pid, number) }
    }

    /// Kills the process and waits until it has ended.
    func kill() {
        guard end == nil else { return }
        Glibc.kill(pid, SIGKILL)
        _ = try? wait()
    }
}

// MARK: - Resources

extension Child {
    /// The number of its open descriptors.
    var descriptorCount: Int {
        guard let folder = opendir("/proc/\(pid)/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        return count - 2
    }

    /// Its resident memory, in bytes.
    var residentBytes: Int {
        let line = (TemporaryFolder.read("/proc/\(pid)/status") ?? "").split(separator: "\n")
            .first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
    }

    /// The names of its threads.
    var threadNames: [String] {
        Program.names(in: "/proc/\(pid)/task").compactMap {
            TemporaryFolder.read("/proc/\(pid)/task/\($0)/comm")
        }
    }

    /// Its command line, which every user of the machine can see.
    var commandLine: String {
        (TemporaryFolder.read("/proc/\(pid)/cmdline") ?? "").replacing("\0", with: " ")
    }
}
