import SystemPackage

/// The limits that control groups (version 2) put on this process: its own group and all groups that contain it.
///
/// A container, or a service of a service manager, may use much less than the machine has; the kernel slows it down or kills it
/// if it uses more. On systems other than Linux the files do not exist, and so there is no limit.
package struct ControlGroup {
    private let root: String
    /// The path of the group below the root; "/" inside most containers.
    private let path: String

    /// The group of this process.
    package static let current = ControlGroup(
        root: "/sys/fs/cgroup",
        memberships: contents("/proc/self/cgroup") ?? ""
    )

    /// The version 2 group that the text of `/proc/self/cgroup` names.
    package init(root: String, memberships: String) {
        self.root = root
        let line = memberships.split(separator: "\n").first { $0.hasPrefix("0::/") }
        path = line.map { String($0.dropFirst("0::".count)) } ?? "/"
    }

    /// The memory limit in bytes; nil if there is none.
    package var memory: Int? {
        // The file of a group without a limit contains "max", which is not a number.
        values(of: "memory.max").compactMap { Int($0) }.min()
    }

    /// The quota of processor time, in processors; nil if there is none.
    package var processors: Double? {
        values(of: "cpu.max").compactMap { value in
            let parts = value.split(separator: " ").map { Double($0) }
            guard parts.count == 2, let time = parts[0], let period = parts[1], time >= 0, period > 0 else {
                return nil
            }
            return time / period
        }.min()
    }

    /// Returns the contents of a file in each group, the innermost group first.
    private func values(of file: String) -> [String] {
        var parts = path.split(separator: "/")
        var values: [String] = []
        while true {
            let folder = parts.reduce(root) { "\($0)/\($1)" }
            if let text = Self.contents("\(folder)/\(file)") { values.append(text) }
            if parts.popLast() == nil { return values }
        }
    }

    /// Returns the first kilobyte of a file, without the newline at its end.
    private static func contents(_ path: String) -> String? {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
        defer { try? file.close() }
        var bytes = [UInt8](repeating: 0, count: 1024)
        guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }), count > 0 else {
            return nil
        }
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
}
