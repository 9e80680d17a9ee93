import Platform

/// Where random tests get their seeds from.
///
/// An ordinary run uses the same seeds every time. `SEED=17 swift test` runs every random test with that one seed
/// alone, which is how a failure is looked at; `SEED_OFFSET=1000000` shifts all of them, which is how a long night
/// looks for failures that nobody has seen.
package enum Seeds {
    /// So many seeds, or the one that is asked for.
    package static func some(_ count: Int) -> [UInt64] {
        if let only = number("SEED") { return [only] }
        let first = number("SEED_OFFSET") ?? 1
        return (0..<UInt64(count)).map { first &+ $0 }
    }

    private static func number(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }
}
