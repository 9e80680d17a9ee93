import Glibc

/// What the control groups (version 2) of this process allow it: its own, and those that is in.
///
/// A container, and a service of a service manager, may use much less than the machine has, and is stopped or killed for more.
struct ControlGroup {
    private let root: String
    /// Of the group, below the root; "/" inside most containers.
    private let path: String

    /// The group of this process.
    static let current = ControlGroup(
        root: "/sys/fs/cgroup",
        memberships: contents("/proc/self/cgroup") ?? ""
    )

    /// The group that is the one of version 2 in what `/proc/self/cgroup` says.
    init(root: String, memberships: String) {
        self.root = root
        let line = memberships.split(separator: "\n").first { $0.hasPrefix("0::/") }
        path = line.map { String($0.dropFirst("0::".count)) } ?? "/"
    }

    /// Bytes of memory; nil where there is no limit.
    var memory: Int? {
        // "max" where there is no limit, which is no number.
        values(of: "memory.max").compactMap { Int($0) }.min()
    }

    /// Processors' time, in processors; nil where it is not rationed.
    var processors: Double? {
        values(of: "cpu.max").compactMap { value in
            let parts = value.split(separator: " ").map { Double($0) }
            guard parts.count == 2, let time = parts[0], let period = parts[1], time >= 0, period > 0 else {
                return nil
            }
            return time / period
        }.min()
    }

    /// What a file says in each group, the innermost first.
    private func values(of file: String) -> [String] {
        var parts = path.split(separator: "/")
        var values: [String] = []
        while true {
            let folder = parts.reduce(root) { "\($0)/\($1)" }
            if let text = Self.contents("\(folder)/\(file)") { values.append(text) }
            if parts.popLast() == nil { return values }
        }
    }

    /// The first kilobyte of a file, without the end of its last line.
    private static func contents(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
}
