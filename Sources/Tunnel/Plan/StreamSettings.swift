/// The time limits of a stream: for its target, for traffic, and for its second direction to close.
///
/// Every route and every service has one. The ranges are checked by `TunnelConfiguration.init`, not here.
package struct StreamSettings: Hashable, Sendable {
    /// For a service, the time until one of its targets accepts; for a route, the time until a session carries the stream.
    package var connectTimeout: Duration
    /// The silence in both directions after which a stream is ended; nil means no limit.
    package var idleTimeout: Duration?
    /// The silence after which a half-closed stream is ended; nil means no limit.
    package var halfCloseTimeout: Duration?

    /// Settings of a stream; omitted values have their defaults.
    package init(
        connectTimeout: Duration = Self.defaultConnectTimeout,
        idleTimeout: Duration? = Self.defaultIdleTimeout,
        halfCloseTimeout: Duration? = Self.defaultHalfCloseTimeout
    ) {
        self.connectTimeout = connectTimeout
        self.idleTimeout = idleTimeout
        self.halfCloseTimeout = halfCloseTimeout
    }

    /// The system sends a SYN again after 1, 3 and 7 s, so a connection survives three losses.
    ///
    /// Larger: visitors wait longer for an address that does not answer. Smaller: connections over lossy lines fail needlessly.
    package static let defaultConnectTimeout = Duration.seconds(10)
    /// In less than 100 ms, an address across an ocean cannot answer; the system itself gives up after about two minutes.
    package static let connectTimeoutRange = Duration.milliseconds(100)...Duration.seconds(300)

    /// Databases and shells are legitimately silent for hours.
    ///
    /// If it is set, forgotten streams end, and so do quiet ones that are still in use.
    package static let defaultIdleTimeout: Duration? = nil
    /// From a second to a month.
    package static let idleTimeoutRange = Duration.seconds(1)...Duration.seconds(2_678_400)

    /// Long enough for a target that works for a while before it answers a request that is complete; counted from the last byte.
    ///
    /// Larger: sockets that a program forgot to close stay longer. Smaller: slow answers are cut off.
    package static let defaultHalfCloseTimeout: Duration? = .seconds(60)
    /// From a second to a month.
    package static let halfCloseTimeoutRange = Duration.seconds(1)...Duration.seconds(2_678_400)
}
