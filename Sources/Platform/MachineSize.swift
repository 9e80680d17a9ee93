/// How much of the machine this process may use: the defaults of a configuration follow from it.
package struct MachineSize: Hashable, Sendable {
    /// How many processors the process can keep busy, at least 1: those that are online, or its CPU quota, rounded up, where
    /// that is less.
    package let cores: Int
    /// How many bytes of memory it may use, at least 1: those of the machine, or its control group's limit where that is less.
    package let memory: Int
    /// Whether a CPU quota is less than the machine has: then time that is spent needlessly is missing later.
    package let hasCPUQuota: Bool

    /// A machine of a given size, for tests and for printing the defaults of another machine.
    package init(cores: Int, memory: Int, hasCPUQuota: Bool = false) {
        self.cores = max(1, cores)
        self.memory = max(1, memory)
        self.hasCPUQuota = hasCPUQuota
    }

    /// This machine, measured at the first use.
    package static let current = MachineSize(
        online: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
        physicalMemory: physicalMemory(),
        group: .current
    )

    /// What a control group leaves of a machine.
    ///
    /// Without it, the defaults in a small container on a large machine would exceed the memory for which it is killed.
    package init(online: Int, physicalMemory: Int, group: ControlGroup) {
        let quota = group.processors
        self.init(
            cores: min(online, quota.map { Int(min(max($0.rounded(.up), 1), 65536)) } ?? online),
            memory: min(physicalMemory, group.memory ?? .max),
            hasCPUQuota: quota.map { $0 < Double(online) } ?? false
        )
    }

    private static func physicalMemory() -> Int {
        let (bytes, overflow) = sysconf(Int32(_SC_PHYS_PAGES)).multipliedReportingOverflow(
            by: sysconf(Int32(_SC_PAGESIZE))
        )
        return overflow ? .max : bytes
    }
}
