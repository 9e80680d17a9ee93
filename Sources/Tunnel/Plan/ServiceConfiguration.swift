package import EventIO

/// A name that peers may open, and the targets behind it.
package struct ServiceConfiguration: Hashable, Sendable {
    /// The name that peers ask for: 1 to 64 bytes of `a-z A-Z 0-9 . _ -`, unique among services.
    package var name: String
    /// The addresses that the streams go to; at least one.
    package var targets: [Endpoint]
    /// The order in which the targets are tried.
    package var failover: Failover
    /// The users who may open it, never empty; nil means every user of the password file.
    package var allow: [String]?
    /// The time limits of its streams.
    package var stream: StreamSettings

    /// A service; omitted values have their defaults.
    package init(
        name: String,
        targets: [Endpoint],
        failover: Failover = .default,
        allow: [String]? = nil,
        stream: StreamSettings = StreamSettings()
    ) {
        self.name = name
        self.targets = targets
        self.failover = failover
        self.allow = allow
        self.stream = stream
    }
}

/// The order in which several addresses are tried.
package enum Failover: String, Hashable, Sendable, CaseIterable {
    /// Always from the first; the others are stand-bys.
    case priority = "prio"
    /// Each attempt starts one address further on, so that the load is shared.
    case roundRobin = "rr"

    /// No traffic goes to a stand-by unless the operator says that it is equivalent to the first address.
    package static let `default` = Failover.priority
}
