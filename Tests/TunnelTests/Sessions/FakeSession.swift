import Basics

@testable import Tunnel

/// A session as the pool sees it: its test says how it is.
final class FakeSession: PooledSession, CustomStringConvertible {
    let name: String
    var canOpen = true
    var isAttached = true
    var isSpent = false
    var isDoubtful = false
    var isBusy = false
    var bulkBytes = 0
    var streamCount = 0
    var lastReceived: Instant

    init(_ name: String, lastReceived: Instant) {
        self.name = name
        self.lastReceived = lastReceived
    }

    var description: String { name }

    /// Loses its link.
    func loseLink() {
        isAttached = false
        canOpen = false
    }

    /// Is closed, or its peer goes away.
    func spend() {
        isSpent = true
        canOpen = false
    }
}

/// The pool under test.
typealias FakePool = SessionPoolStateMachine<FakeSession>

extension FakePool {
    /// A pool whose exclusive sessions may have been silent for 30 s.
    static func of(links: LinkCount = .automatic, shared: Bool = true, exclusive: Bool = false) -> FakePool {
        FakePool(
            Demand(
                plan: LinkPlan(links),
                usesShared: shared,
                usesExclusive: exclusive,
                freshness: .seconds(30)
            )
        )
    }

    /// Chooses a session and opens a stream on it.
    mutating func open(exclusive: Bool = false, at now: Instant) -> FakeSession? {
        guard case .open(let session) = choose(exclusive: exclusive, at: now) else { return nil }
        session.streamCount += 1
        return session
    }

    /// Ends a stream.
    ///
    /// - Returns: whether the session is to be closed.
    mutating func end(on session: FakeSession, at now: Instant) -> Bool {
        session.streamCount -= 1
        return streamEnded(on: session, at: now)
    }
}
