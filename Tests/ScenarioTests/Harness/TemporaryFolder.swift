import Glibc
import Synchronization

/// A temporary folder of a scenario; it is removed when this object is freed.
final class TemporaryFolder: Sendable {
    let path: String
    private let names = Mutex<[String: Int]>([:])

    init() throws {
        var template = Array("/tmp/sallyport-scenario-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ScenarioFailure("mkdtemp: errno \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // Services that drop root privileges read it too.
        chmod(path, 0o755)
    }

    deinit {
        Self.remove(path)
    }

    /// An unused path in the folder.
    func newPath(_ name: String) -> String {
        let number = names.withLock { names in
            names[name, default: 0] += 1
            return names[name] ?? 1
        }
        return number == 1 ? "\(path)/\(name)" : "\(path)/\(number)-\(name)"
    }

    /// Writes a file; by default only its owner can read it.
    func write(_ text: String, to file: String, mode: mode_t = 0o600) throws {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, mode)
        guard descriptor >= 0 else { throw ScenarioFailure("\(file): errno \(errno)") }
        defer { close(descriptor) }
        fchmod(descriptor, mode)
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw ScenarioFailure("\(file): errno \(errno)") }
            rest = rest.dropFirst(count)
        }
    }

    /// Writes a file in the folder.
    ///
    /// - Returns: its path.
    @discardableResult
    func file(_ name: String, _ text: String, mode: mode_t = 0o600) throws -> String {
        let path = "\(path)/\(name)"
        try write(text, to: path, mode: mode)
        return path
    }

    /// The text of a file; nil if it cannot be read.
    static func read(_ file: String) -> String? {
        readBytes(file).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of a file; nil if it cannot be read.
    static func readBytes(_ file: String) -> [UInt8]? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }

    private static func remove(_ path: String) {
        var arguments: [UnsafeMutablePointer<CChar>?] = []
        for word in ["rm", "-rf", path] { arguments.append(strdup(word)) }
        arguments.append(nil)
        defer { arguments.forEach { free($0) } }
        var pid: pid_t = 0
        guard posix_spawn(&pid, "/bin/rm", nil, nil, arguments, nil) == 0 else { return }
        waitpid(pid, nil, 0)
    }
}
