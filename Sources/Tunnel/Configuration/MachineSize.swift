import Glibc

/// How much of a machine this process may use: what the defaults that follow the machine are made of.
package struct MachineSize: Hashable, Sendable {
    /// Processors that are switched on, at least 1; or of as many the time that its control group may use, rounded up, where
    /// that is less.
    package let cores: Int
    /// Bytes of memory this process may use, at least 1: of the machine, or of its control group where that is less.
    package let memory: Int
    /// Whether the time of processors is rationed: what is spent is missed later, even where nobody else wants it.
    package let isRationed: Bool

    /// A machine of a given size, for tests and for printing the defaults of another machine.
    package init(cores: Int, memory: Int, isRationed: Bool = false) {
        self.cores = max(1, cores)
        self.memory = max(1, memory)
        self.isRationed = isRationed
    }

    /// This machine, as it was when it was first asked about.
    package static let current = MachineSize(
        switchedOn: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
        physicalMemory: physicalMemory(),
        group: .current
    )

    /// What a control group leaves of a machine.
    ///
    /// Without it a small container on a large machine would plan with memory that it gets killed for.
    init(switchedOn: Int, physicalMemory: Int, group: ControlGroup) {
        let rationed = group.processors
        self.init(
            cores: min(switchedOn, rationed.map { Int(min(max($0.rounded(.up), 1), 65536)) } ?? switchedOn),
            memory: min(physicalMemory, group.memory ?? .max),
            isRationed: rationed.map { $0 < Double(switchedOn) } ?? false
        )
    }

    private static func physicalMemory() -> Int {
        let (bytes, overflow) = sysconf(Int32(_SC_PHYS_PAGES)).multipliedReportingOverflow(
            by: sysconf(Int32(_SC_PAGESIZE))
        )
        return overflow ? .max : bytes
    }
}
