package import CryptoPrimitives
package import Platform

/// Everything a process is told to do: whoever holds one holds something that can run.
///
/// It is a value: it does not change, and a reload is the difference between two of them. Whether the world agrees (ports
/// are free, names resolve, files are there) is not known here.
package struct TunnelConfiguration: Hashable, Sendable {
    /// Threads with an event loop each.
    package let workers: Int
    /// Whether workers with nothing to do look again for a moment before they sleep.
    package let busyPoll: Bool
    /// What the process may hold at most.
    package let limits: ProcessLimits
    /// How long streams may go on after the process was told to stop.
    package let drainTimeout: Duration
    /// Which library does AES-256-GCM.
    package let aead: AEADChoice
    /// What is logged, how and where to.
    package let log: LogSettings
    /// The end that peers dial, if this process is one.
    package let server: ServerConfiguration?
    /// What peers may open, by unique names; empty without a server.
    package let services: [ServiceConfiguration]
    /// Whom this process dials, by unique names.
    package let peers: [PeerConfiguration]
    /// Where visitors are accepted, by unique names; each names one of `peers`.
    package let routes: [RouteConfiguration]

    /// Checks all values, each for itself and all against each other.
    ///
    /// - Throws: every fault there is, not only the first.
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

    /// One loop for each processor, and the reasons of `workersRange` for the end of that.
    ///
    /// More: threads wait for each other. Fewer: processors stay idle under load.
    package static func defaultWorkers(of machine: MachineSize) -> Int {
        min(machine.cores, workersRange.upperBound)
    }
    /// Beyond 256 threads the links of all workers to a peer would exceed what the peer accepts by default.
    package static let workersRange = 1...256

    /// What nobody else wants is spent for sooner answers, but not where it is counted: a process that has used up its ration
    /// stands still until the next one.
    package static func defaultBusyPoll(of machine: MachineSize) -> Bool {
        !machine.hasCPUQuota
    }

    /// Most requests end sooner, and service managers kill after 90 s.
    ///
    /// Longer: a restart waits for streams that never end by themselves. Shorter: downloads are cut off.
    package static let defaultDrainTimeout = Duration.seconds(30)
    /// From "cut at once" to a day.
    package static let drainTimeoutRange = Duration.zero...Duration.seconds(86400)

    /// Bytes in the name of a service, peer or route: what the protocol can carry as the name of a service.
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
