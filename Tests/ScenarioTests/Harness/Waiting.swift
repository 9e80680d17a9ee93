import Glibc

/// A failure of a scenario, such as a timeout.
struct ScenarioFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Waits for a state, with a deadline.
///
/// A scenario does not judge how long a state takes, only that it is reached before the deadline.
enum Waiting {
    /// The default time limit; long enough for a busy machine.
    static let timeout: Duration = .seconds(30)
    /// The pause between two checks, in milliseconds.
    private static let step: Int32 = 5

    /// Waits until `condition` returns a value.
    static func `for`<Result>(
        _ what: @autoclosure () -> String,
        within timeout: Duration = timeout,
        _ condition: () throws -> Result?
    ) throws -> Result {
        let clock = ContinuousClock()
        let deadline = clock.now + timeout
        while true {
            if let result = try condition() { return result }
            guard clock.now < deadline else { throw ScenarioFailure("timed out waiting for \(what())") }
            poll(nil, 0, step)
        }
    }

    /// Waits until `condition` holds.
    static func until(
        _ what: @autoclosure () -> String,
        within timeout: Duration = timeout,
        _ condition: () throws -> Bool
    ) throws {
        try Waiting.for(what(), within: timeout) { try condition() ? () : nil }
    }
}
