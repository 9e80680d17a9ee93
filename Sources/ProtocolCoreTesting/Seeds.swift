import Platform

/// The seeds of random tests.
///
/// An ordinary run uses the same seeds every time. `SEED=17 swift test` runs every random test with that one seed only, to
/// investigate a failure. `SEED_OFFSET=1000000` shifts all seeds, so that a long run can search for new failures.
package enum Seeds {
    /// Returns `count` seeds, or only the one that `SEED` sets.
    package static func some(_ count: Int) -> [UInt64] {
        if let only = number("SEED") { return [only] }
        let first = number("SEED_OFFSET") ?? 1
        return (0..<UInt64(count)).map { first &+ $0 }
    }

    private static func number(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }
}
