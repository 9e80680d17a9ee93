import Synchronization

/// Can be raised once, by any thread.
final class Flag: Sendable {
    private let raised = Atomic<Bool>(false)

    /// Whether it has been raised.
    var isRaised: Bool { raised.load(ordering: .sequentiallyConsistent) }

    /// Raises it.
    ///
    /// - Returns: whether it was this call that did.
    @discardableResult
    func raise() -> Bool { !raised.exchange(true, ordering: .sequentiallyConsistent) }
}
