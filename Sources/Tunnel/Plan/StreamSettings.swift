/// How long a stream may wait: for its target, for traffic, for its second half.
///
/// Every route and every service has one. The ranges are checked by `TunnelConfiguration.init`, not here.
package struct StreamSettings: Hashable, Sendable {
    /// For a service, until its target has accepted; for a route, until the stream is open at the other end.
    package var connectTimeout: Duration
    /// Silence in both directions after which a stream is ended; nil waits for ever.
    package var idleTimeout: Duration?
    /// How long a stream that is closed in one direction may be silent in the other; nil waits for ever.
    package var halfCloseTimeout: Duration?

    /// Settings of a stream; what is left out has its default.
    package init(
        connectTimeout: Duration = Self.defaultConnectTimeout,
        idleTimeout: Duration? = Self.defaultIdleTimeout,
        halfCloseTimeout: Duration? = Self.defaultHalfCloseTimeout
    ) {
        self.connectTimeout = connectTimeout
        self.idleTimeout = idleTimeout
        self.halfCloseTimeout = halfCloseTimeout
    }

    /// A SYN is sent again after 1, 3 and 7 s: three losses are survived.
    ///
    /// Larger: visitors wait longer for an address that will not answer. Smaller: lossy lines fail needlessly.
    package static let defaultConnectTimeout = Duration.seconds(10)
    /// Below 100 ms a line across an ocean cannot answer; the system itself gives up after about two minutes.
    package static let connectTimeoutRange = Duration.milliseconds(100)...Duration.seconds(300)

    /// Databases and shells are silent for hours, and are right to be.
    ///
    /// Set: streams that were forgotten end, and so do quiet ones that were not.
    package static let defaultIdleTimeout: Duration? = nil
    /// From a second to a month.
    package static let idleTimeoutRange = Duration.seconds(1)...Duration.seconds(2_678_400)

    /// Long enough for a target that thinks before it answers a closed request, and counted from the last byte.
    ///
    /// Larger: sockets of programs that forgot to close stay. Smaller: slow answers are cut off.
    package static let defaultHalfCloseTimeout: Duration? = .seconds(60)
    /// From a second to a month.
    package static let halfCloseTimeoutRange = Duration.seconds(1)...Duration.seconds(2_678_400)
}
