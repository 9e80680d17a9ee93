import Glibc

/// How much of a machine this process may use: what the defaults that follow the machine are made of.
package struct MachineSize: Hashable, Sendable {
    /// Processors that are switched on, at least 1.
    package let cores: Int
    /// Bytes of memory this process may use, at least 1: of the machine, or of its control group where that is less.
    package let memory: Int

    /// A machine of a given size, for tests and for printing the defaults of another machine.
    package init(cores: Int, memory: Int) {
        self.cores = max(1, cores)
        self.memory = max(1, memory)
    }

    /// This machine, as it was when it was first asked about.
    package static let current = MachineSize(
        cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
        memory: min(physicalMemory(), controlGroupMemory() ?? .max)
    )

    private static func physicalMemory() -> Int {
        let (bytes, overflow) = sysconf(Int32(_SC_PHYS_PAGES)).multipliedReportingOverflow(
            by: sysconf(Int32(_SC_PAGESIZE))
        )
        return overflow ? .max : bytes
    }

    /// The limit of the control group that this process sees as the root, which is its own inside a container.
    ///
    /// Without it a small container on a large machine would plan with memory that it gets killed for.
    private static func controlGroupMemory() -> Int? {
        let descriptor = open("/sys/fs/cgroup/memory.max", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var digits = [UInt8](repeating: 0, count: 32)
        let count = read(descriptor, &digits, digits.count)
        guard count > 0 else { return nil }
        // "max" where there is no limit, which is no number.
        return Int(String(decoding: digits.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
