/// The part of the machine that this process may use; defaults of the configuration depend on it.
package struct MachineSize: Hashable, Sendable {
    /// The number of processors that the process can use, at least 1.
    ///
    /// This is the number of processors online, or the CPU quota, rounded up, if that is less.
    package let cores: Int
    /// The memory that the process may use, in bytes, at least 1: the machine's, or its control group's limit if that is less.
    package let memory: Int
    /// Whether a CPU quota is below what the machine has: processor time that is wasted now is then missing later.
    package let hasCPUQuota: Bool

    /// A machine of a given size, for tests and for showing the defaults of another machine.
    package init(cores: Int, memory: Int, hasCPUQuota: Bool = false) {
        self.cores = max(1, cores)
        self.memory = max(1, memory)
        self.hasCPUQuota = hasCPUQuota
    }

    /// This machine, measured at the first access.
    package static let current = MachineSize(
        online: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
        physicalMemory: physicalMemory(),
        group: .current
    )

    /// The part of a machine that a control group may use.
    ///
    /// Without the group's limits, the defaults in a small container on a large machine would exceed the memory at which the
    /// kernel kills the container.
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
