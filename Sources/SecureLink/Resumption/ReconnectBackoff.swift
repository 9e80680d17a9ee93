/// The back-off between attempts to reach a peer.
///
/// The first retry is at once; then the wait is 0.5 s and doubles up to 10 s, with a jitter of 25 %, so that a thousand
/// clients of a restarted server do not all reconnect in the same moment.
package struct ReconnectBackoff: Hashable {
    private var failures = 0

    package init() {}

    /// The first wait.
    ///
    /// Longer: users notice it. Shorter: clients overload a server that is starting.
    package static let first = Duration.milliseconds(500)
    /// The longest wait.
    ///
    /// Longer: a peer that is up again stays unused. Shorter: clients try more often to reach a peer that stays down.
    package static let longest = Duration.seconds(10)

    /// Counts a failed attempt.
    ///
    /// - Returns: the wait before the next attempt.
    package mutating func failed(using random: inout some RandomNumberGenerator) -> Duration {
        defer { failures = min(failures + 1, 16) }
        guard failures > 0 else { return .zero }
        let wait = min(Self.first * (1 << min(failures - 1, 8)), Self.longest)
        return wait * Double.random(in: 0.75...1.25, using: &random)
    }

    /// An attempt has succeeded: the next retry is at once again.
    package mutating func succeeded() {
        failures = 0
    }
}
