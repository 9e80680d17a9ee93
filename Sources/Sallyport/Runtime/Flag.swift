import Synchronization

/// A flag that any thread can raise, once.
final class Flag: Sendable {
    private let raised = Atomic<Bool>(false)

    /// Whether the flag has been raised.
    var isRaised: Bool { raised.load(ordering: .sequentiallyConsistent) }

    /// Raises the flag.
    ///
    /// - Returns: whether this call raised it.
    @discardableResult
    func raise() -> Bool { !raised.exchange(true, ordering: .sequentiallyConsistent) }
}
