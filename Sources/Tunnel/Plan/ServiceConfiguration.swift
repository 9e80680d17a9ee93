package import EventIO

/// A name that peers may open, and the targets behind it.
package struct ServiceConfiguration: Hashable, Sendable {
    /// What peers ask for: 1 to 64 bytes of `a-z A-Z 0-9 . _ -`, unique among services.
    package var name: String
    /// Where the streams go; at least one.
    package var targets: [Endpoint]
    /// In which order the targets are tried.
    package var failover: Failover
    /// The users who may open it, never empty; nil is every user of the password file.
    package var allow: [String]?
    /// How long its streams may wait.
    package var stream: StreamSettings

    /// A service; what is left out has its default.
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

/// In which order several addresses are tried.
package enum Failover: String, Hashable, Sendable, CaseIterable {
    /// Always from the first: the others stand by.
    case priority = "prio"
    /// Each attempt starts one further on: the load is shared.
    case roundRobin = "rr"

    /// Nothing is sent to a stand-by that the operator did not say is equal to the first.
    package static let `default` = Failover.priority
}
