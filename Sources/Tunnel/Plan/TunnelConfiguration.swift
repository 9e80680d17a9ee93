package import CryptoPrimitives
package import Platform

/// The configuration of a process: every instance has passed all checks.
///
/// It is an immutable value. The checks do not ask the system whether ports are free, names resolve and files exist.
package struct TunnelConfiguration: Hashable, Sendable {
    /// The number of threads with an event loop each.
    package let workers: Int
    /// Whether idle workers busy-poll briefly before they block.
    package let busyPoll: Bool
    /// The limits of the process.
    package let limits: ProcessLimits
    /// The time that streams may continue after the process was asked to stop.
    package let drainTimeout: Duration
    /// The library that computes AES-256-GCM.
    package let aead: AEADChoice
    /// The settings of the log.
    package let log: LogSettings
    /// The end that peers dial, if this process is one.
    package let server: ServerConfiguration?
    /// The services that peers may open, with unique names; empty without a server.
    package let services: [ServiceConfiguration]
    /// The peers that this process dials, with unique names.
    package let peers: [PeerConfiguration]
    /// The routes where visitors are accepted, with unique names; each one names one of `peers`.
    package let routes: [RouteConfiguration]

    /// Checks all values, each on its own and all against each other.
    ///
    /// - Throws: every fault, not only the first.
    package init(
        workers: Int = Self.defaultWorkers(of: .current),
        busyPoll: Bool = Self.defaultBusyPoll(of: .current),
        limits: ProcessLimits = ProcessLimits(),
        drainTimeout: Duration = Self.defaultDrainTimeout,
        aead: AEADChoice = .default,
        log: LogSettings = LogSettings(),
        server: ServerConfiguration? = nil,
        services: [ServiceConfiguration] = [],
        peers: [PeerConfiguration] = [],
        routes: [RouteConfiguration] = []
    ) throws(InvalidConfiguration) {
        self.workers = workers
        self.busyPoll = busyPoll
        self.limits = limits
        self.drainTimeout = drainTimeout
        self.aead = aead
        self.log = log
        self.server = server
        self.services = services
        self.peers = peers
        self.routes = routes
        var check = ConfigurationCheck()
        check.check(self)
        guard check.faults.isEmpty else { throw InvalidConfiguration(faults: check.faults) }
    }

    /// The peer that a route names.
    package func peer(of route: RouteConfiguration) -> PeerConfiguration? {
        peers.first { $0.name == route.peer }
    }

    /// One worker for each processor, up to the end of `workersRange`.
    ///
    /// More: threads wait for each other. Fewer: processors stay idle under load.
    package static func defaultWorkers(of machine: MachineSize) -> Int {
        min(machine.cores, workersRange.upperBound)
    }
    /// Beyond 256 threads the links of all workers to a peer would exceed what the peer accepts by default.
    package static let workersRange = 1...256

    /// On, unless the process has a CPU quota.
    ///
    /// Busy polling uses idle processor time to answer sooner. A process that has used up its quota stands still until the next
    /// period.
    package static func defaultBusyPoll(of machine: MachineSize) -> Bool {
        !machine.hasCPUQuota
    }

    /// Most requests end sooner, and service managers kill a process after 90 s.
    ///
    /// Longer: a restart waits for streams that never end by themselves. Shorter: downloads are cut off.
    package static let defaultDrainTimeout = Duration.seconds(30)
    /// From an immediate cut to a day.
    package static let drainTimeoutRange = Duration.zero...Duration.seconds(86400)

    /// The length of the name of a service, peer or route, in bytes: the protocol's limit for a service.
    package static let nameLengthRange = 1...64

    /// Whether a text can be the name of a service, peer or route: 1 to 64 bytes of `a-z A-Z 0-9 . _ -`.
    package static func isName(_ text: String) -> Bool {
        nameLengthRange.contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { character in
                switch character {
                case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-": true
                default: false
                }
            }
    }
}
