import ConfigurationFile
import Platform

/// Access to the files and folders of the system.
enum SystemFiles {
    typealias Content = ConfigurationSurroundings.FileContent
    typealias Fault = ConfigurationSurroundings.FileFault

    /// Reads a file; stops once it has more bytes than the longest configuration, so that a longer file is recognized.
    @Sendable static func read(_ path: String) -> Result<Content, Fault> {
        // Opening does not block, so a pipe without a writer in an included folder counts as an empty file. Reading blocks, so
        // a pipe can carry a configuration that another program writes.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { return .failure(Fault(number: errno)) }
        defer { close(descriptor) }
        guard fcntl(descriptor, F_SETFL, O_RDONLY) == 0 else { return .failure(Fault(number: errno)) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return .failure(Fault(number: errno)) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65536)
        while bytes.count <= SourceFile.maxText {
            let count = Platform.read(descriptor, &block, block.count)
            if count > 0 {
                bytes += block.prefix(count)
            } else if count == 0 {
                break
            } else if errno != EINTR {
                return .failure(Fault(number: errno))
            }
        }
        return .success(Content(bytes: bytes, identity: [UInt64(status.st_dev), UInt64(status.st_ino)]))
    }

    /// The names in a folder, without `.` and `..`.
    @Sendable static func list(_ path: String) -> Result<[String], Fault> {
        guard let folder = opendir(path) else { return .failure(Fault(number: errno)) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return .success(names)
    }

    /// The current folder of this process; empty if it was removed.
    static func currentFolder() -> String {
        guard let path = getcwd(nil, 0) else { return "" }
        defer { free(path) }
        return String(cString: path)
    }
}

extension ConfigurationSurroundings.FileFault {
    /// Creates a fault from an error number of the system.
    init(number: Int32) {
        self.init(
            reason: String(cString: strerror(number)).lowercased(),
            isPermission: number == EACCES || number == EPERM
        )
    }
}
