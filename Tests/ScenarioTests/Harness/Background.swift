import Synchronization

/// Work of a scenario on a thread of its own; the scenario waits for its outcome.
final class Background<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, any Error>?>(nil)

    init(_ body: @escaping @Sendable () throws -> Value) {
        Thread.start { [self] in
            let result = Result(catching: body)
            outcome.withLock { $0 = result }
        }
    }

    /// Whether the work has ended.
    var isOver: Bool { outcome.withLock { $0 != nil } }

    /// Waits until the work has ended.
    @discardableResult
    func wait(within timeout: Duration = Waiting.timeout) throws -> Value {
        try Waiting.for("work in the background", within: timeout) { outcome.withLock { $0 } }.get()
    }
}
