/// When to try again to reach a peer: at once, then after half a second, doubling to ten, each a little less or more, so that
/// a thousand clients of a server that was restarted do not all come in the same moment.
package struct ReconnectBackoff: Hashable {
    private var failures = 0

    package init() {}

    /// The first wait.
    ///
    /// Shorter would press a server that is starting; longer would be noticed by who waits.
    package static let first = Duration.milliseconds(500)
    /// The longest.
    ///
    /// Longer would let a peer that is back stand unused.
    package static let longest = Duration.seconds(10)

    /// Another attempt has failed.
    ///
    /// - Returns: how long to wait before the next one.
    package mutating func failed(using random: inout some RandomNumberGenerator) -> Duration {
        defer { failures = min(failures + 1, 16) }
        guard failures > 0 else { return .zero }
        let wait = min(Self.first * (1 << min(failures - 1, 8)), Self.longest)
        return wait * Double.random(in: 0.75...1.25, using: &random)
    }

    /// An attempt has worked.
    package mutating func succeeded() {
        failures = 0
    }
}
