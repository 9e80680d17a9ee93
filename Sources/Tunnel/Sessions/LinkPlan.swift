import Basics

/// Decides how many sessions to one peer a worker keeps.
///
/// One is enough for any number of quiet streams. A stream that moves bulk fills its link, so another session is dialled, up to a
/// limit, as soon as every session is busy. It is closed again when it has not been needed for ``idleTime``.
///
/// All workers keep the same number: that of the worker that needs the most. A server distributes links to its workers in turn,
/// so each of the server's workers gets the same number of links from every worker here, and the same number of streams.
struct LinkPlan: Hashable {
    /// The state of one session, as far as the plan depends on it.
    struct SessionState: Hashable {
        var streams: Int
        var isBusy: Bool
        /// The time since which it has had no stream; `nil` while it has one.
        var idleSince: Instant?
    }

    /// The plan's decision.
    struct Decision: Hashable {
        /// Whether another session is wanted.
        var wantsAnother: Bool
        /// The number of sessions that the worker itself needs.
        var need: Int
        /// The sessions to close, by their index in the list.
        var closes: [Int]
    }

    /// The minimum number of sessions.
    let least: Int
    /// The maximum number of sessions.
    let most: Int

    /// The time that a session is kept while it is not needed.
    ///
    /// Smaller: every burst of traffic dials and closes links.
    static let idleTime = Duration.seconds(60)
    /// One thread can fill at most four links, each on its own connection.
    static let maxAutomatic = 4

    init(_ count: LinkCount) {
        switch count {
        case .automatic: (least, most) = (1, Self.maxAutomatic)
        case .fixed(let count): (least, most) = (count, count)
        }
    }

    /// Decides what to do with these sessions.
    ///
    /// - Parameters:
    ///   - sessions: the sessions of this worker.
    ///   - others: the largest number of sessions that another worker needs to the same peer.
    ///   - now: the loop's clock.
    /// - Returns: whether another session is wanted, and which ones to close.
    func decide(_ sessions: [SessionState], others: Int = 0, at now: Instant) -> Decision {
        let base = min(max(least, others), most)
        let areAllBusy = !sessions.isEmpty && sessions.allSatisfy(\.isBusy)
        return Decision(
            wantsAnother: sessions.count < base || (areAllBusy && sessions.count < most),
            need: max(least, sessions.count - surplus(of: sessions, over: least, at: now).count),
            closes: surplus(of: sessions, over: base, at: now)
        )
    }

    /// The sessions beyond `base` that have not been needed for long, the youngest first.
    private func surplus(of sessions: [SessionState], over base: Int, at now: Instant) -> [Int] {
        // The last session without bulk is kept, because it would be dialled again at once.
        let most = min(sessions.count - base, sessions.count { !$0.isBusy } - 1)
        guard most > 0 else { return [] }
        return Array(sessions.indices.reversed().filter { sessions[$0].isUseless(at: now) }.prefix(most))
    }
}

extension LinkPlan.SessionState {
    /// Whether the session has not been needed for long.
    fileprivate func isUseless(at now: Instant) -> Bool {
        guard streams == 0, let idleSince else { return false }
        return now.duration(since: idleSince) >= LinkPlan.idleTime
    }
}
