import Synchronization

/// Work of a scenario on a thread of its own, whose outcome is waited for.
final class Background<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, any Error>?>(nil)

    init(_ body: @escaping @Sendable () throws -> Value) {
        Thread.start { [self] in
            let result = Result(catching: body)
            outcome.withLock { $0 = result }
        }
    }

    /// Whether it has come to its end.
    var isOver: Bool { outcome.withLock { $0 != nil } }

    /// Waits for its end.
    @discardableResult
    func wait(within abuseBudget: Duration = Waiting.abuseBudget) throws -> Value {
        try Waiting.for("work in the background", within: abuseBudget) { outcome.withLock { $0 } }.get()
    }
}
