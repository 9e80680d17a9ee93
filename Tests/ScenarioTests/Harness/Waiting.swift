import Glibc

/// What a scenario waited for has not come about.
struct ScenarioFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Waiting for a state, with a deadline: how long it takes is never a judgement, only that it comes.
enum Waiting {
    /// Long enough for a machine that does many other things at the same time.
    static let abuseBudget: Duration = .seconds(30)
    /// How long to wait before something is looked at again, in milliseconds.
    private static let step: Int32 = 5

    /// Waits until `condition` gives something.
    static func `for`<Result>(
        _ what: @autoclosure () -> String,
        within abuseBudget: Duration = abuseBudget,
        _ condition: () throws -> Result?
    ) throws -> Result {
        let clock = ContinuousClock()
        let deadline = clock.now + abuseBudget
        while true {
            if let result = try condition() { return result }
            guard clock.now < deadline else { throw ScenarioFailure("waited in vain for \(what())") }
            poll(nil, 0, step)
        }
    }

    /// Waits until `condition` holds.
    static func until(
        _ what: @autoclosure () -> String,
        within abuseBudget: Duration = abuseBudget,
        _ condition: () throws -> Bool
    ) throws {
        try Waiting.for(what(), within: abuseBudget) { try condition() ? () : nil }
    }
}
