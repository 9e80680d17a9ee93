package import ConfigurationFile
import Platform

/// Looks whether a file is fit to hold a secret: a regular file that nobody but its owner can read or change.
///
/// Others than the owner could have read the secret already, and a warning about that is a warning nobody acts on: such a
/// file is refused. The content is not read.
package struct SecretFileCheck: Sendable {
    /// Reports why the file at a path cannot be used, or nil if it can; any thread may call it.
    package var fault: @Sendable (_ path: String) -> SecretFileFault?

    /// A check of one's own, for tests and for whoever has no files.
    package init(fault: @escaping @Sendable (_ path: String) -> SecretFileFault?) {
        self.fault = fault
    }

    /// Looks at the file itself.
    package static let system = SecretFileCheck { path in
        // Without waiting: the path could be a pipe that nobody writes to.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { return openFault(number: errno, path: path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return openFault(number: errno, path: path) }
        return fault(ofModeBits: status.st_mode, path: path)
    }

    /// Finds nothing wrong with any file.
    package static let none = SecretFileCheck { _ in nil }

    static func fault(ofModeBits mode: mode_t, path: String) -> SecretFileFault? {
        guard mode & S_IFMT == S_IFREG else {
            return SecretFileFault(
                message: "`\(path)` is not a regular file",
                hint: "name a file with the secret in it"
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
            // Not even the mode can be seen: a folder on the way is closed.
            case nil: "open the folders on the way to it: `namei -l \(shellWord(path))` shows them"
            }
        return SecretFileFault(message: message, hint: hint, remedy: .permission)
    }

    /// A path as a shell takes it, in quotes only where it needs them.
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

/// Why a file cannot be used for a secret.
package struct SecretFileFault: Error, Hashable, Sendable {
    /// What is wrong, as a clause in lower case without a full stop.
    package let message: String
    /// The command to type, where one helps.
    package let hint: String?
    /// Whether a command is enough, or the text has to change.
    package let remedy: Diagnostic.Remedy

    /// A fault with what to do about it.
    package init(message: String, hint: String?, remedy: Diagnostic.Remedy = .text) {
        self.message = message
        self.hint = hint
        self.remedy = remedy
    }
}
