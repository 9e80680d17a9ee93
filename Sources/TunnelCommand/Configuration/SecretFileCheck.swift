package import ConfigurationFile
import Platform

/// Checks whether a file is safe enough to hold a secret: a regular file that only its owner can read or change.
///
/// The check refuses any other file, because other users may have read the secret already, and operators ignore warnings. It
/// does not read the content.
package struct SecretFileCheck: Sendable {
    /// The reason why the file at a path cannot be used, or nil if it can; any thread may call it.
    package var fault: @Sendable (_ path: String) -> SecretFileFault?

    /// A check with a given function, for tests and for environments without files.
    package init(fault: @escaping @Sendable (_ path: String) -> SecretFileFault?) {
        self.fault = fault
    }

    /// The check of the real file.
    package static let system = SecretFileCheck { path in
        // O_NONBLOCK: the path could be a pipe without a writer, on which opening would block.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { return openFault(number: errno, path: path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return openFault(number: errno, path: path) }
        return fault(ofModeBits: status.st_mode, path: path)
    }

    /// A check that accepts every file.
    package static let none = SecretFileCheck { _ in nil }

    static func fault(ofModeBits mode: mode_t, path: String) -> SecretFileFault? {
        guard mode & S_IFMT == S_IFREG else {
            return SecretFileFault(
                message: "`\(path)` is not a regular file",
                hint: "name a regular file that contains the secret"
            )
        }
        let groupCan = access(of: mode >> 3)
        let othersCan = access(of: mode)
        guard groupCan != nil || othersCan != nil else { return nil }
        let who =
            switch (groupCan, othersCan) {
            case (let group?, let others?) where group == others: "its group and others can \(group)"
            case (let group?, let others?): "its group can \(group) and others can \(others)"
            case (let group?, nil): "its group can \(group)"
            case (nil, let others?): "others can \(others)"
            case (nil, nil): ""
            }
        let digits = String(mode & 0o7777, radix: 8)
        return SecretFileFault(
            message: "`\(path)` holds a secret, and \(who) it (mode 0\(digits))",
            hint: "chmod 600 \(shellWord(path))",
            remedy: .permission
        )
    }

    private static func access(of bits: mode_t) -> String? {
        switch (bits & 0o4 != 0, bits & 0o2 != 0) {
        case (true, true): "read and change"
        case (true, false): "read"
        case (false, true): "change"
        case (false, false): nil
        }
    }

    private static func openFault(number: Int32, path: String) -> SecretFileFault {
        let reason = String(cString: strerror(number)).lowercased()
        let message = "`\(path)` cannot be read: \(reason)"
        guard number == EACCES || number == EPERM else { return SecretFileFault(message: message, hint: nil) }
        var status = stat()
        let owner = stat(path, &status) == 0 ? status.st_uid : nil
        let hint =
            switch owner {
            case geteuid()?: "chmod 600 \(shellWord(path))"
            case .some: "chown \(geteuid()) \(shellWord(path))"
            // `stat` fails as well: the process has no permission to search a folder on the path.
            case nil: "allow access to the folders on the way: `namei -l \(shellWord(path))` shows them"
            }
        return SecretFileFault(message: message, hint: hint, remedy: .permission)
    }

    /// A path as a word for a shell, in quotes only if it needs them.
    static func shellWord(_ path: String) -> String {
        let plain = path.unicodeScalars.allSatisfy { character in
            switch character {
            case "a"..."z", "A"..."Z", "0"..."9", "/", ".", "_", "-", "+", ",", ":", "@", "%", "=": true
            default: false
            }
        }
        return plain
            ? path
            : "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
                + "'"
    }
}

/// The reason why a file cannot be used for a secret.
package struct SecretFileFault: Error, Hashable, Sendable {
    /// The reason, as a clause in lower case without a full stop.
    package let message: String
    /// The command to type, or other advice, if there is any.
    package let hint: String?
    /// The kind of change that helps: permissions, or the text of the configuration.
    package let remedy: Diagnostic.Remedy

    /// Creates a fault.
    package init(message: String, hint: String?, remedy: Diagnostic.Remedy = .text) {
        self.message = message
        self.hint = hint
        self.remedy = remedy
    }
}
