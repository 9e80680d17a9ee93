import Basics

/// How many sessions to one peer a worker keeps: decided here, carried out elsewhere.
///
/// One is enough for any number of quiet streams. A stream that moves bulk fills its link, so as soon as every session is
/// busy another one is made, up to a limit, and given up again when it has long been needed by nobody.
///
/// Workers keep in step: each has as many as the one that needs the most. A server deals out links to its workers in turn, so
/// that each of them gets as many of every worker's here, and as many streams.
struct LinkPlan: Hashable {
    /// What is known of one session.
    struct SessionState: Hashable {
        var streams: Int
        var isBusy: Bool
        /// Since when it has had no stream; `nil` while it has one.
        var idleSince: Instant?
    }

    /// What is to be done.
    struct Decision: Hashable {
        /// Whether another session is wanted.
        var wantsAnother: Bool
        /// How many the worker needs by itself.
        var need: Int
        /// Sessions to be closed, by their place in the list.
        var closes: [Int]
    }

    /// At least so many.
    let least: Int
    /// At most so many.
    let most: Int

    /// How long a session that is not needed is kept.
    ///
    /// Shorter would make and give up links with every burst.
    static let idleTime = Duration.seconds(60)
    /// Four links, each on its own connection, are as much as one thread can fill.
    static let maxAutomatic = 4

    init(_ count: LinkCount) {
        switch count {
        case .automatic: (least, most) = (1, Self.maxAutomatic)
        case .fixed(let count): (least, most) = (count, count)
        }
    }

    /// What is to be done with these sessions.
    ///
    /// - Parameters:
    ///   - sessions: what this worker has.
    ///   - others: how many sessions another worker needs to the same peer, at most.
    ///   - now: the loop's clock.
    /// - Returns: what is wanted, and what is of no use.
    func decide(_ sessions: [SessionState], others: Int = 0, at now: Instant) -> Decision {
        let base = min(max(least, others), most)
        let areAllBusy = !sessions.isEmpty && sessions.allSatisfy(\.isBusy)
        return Decision(
            wantsAnother: sessions.count < base || (areAllBusy && sessions.count < most),
            need: max(least, sessions.count - surplus(of: sessions, over: least, at: now).count),
            closes: surplus(of: sessions, over: base, at: now)
        )
    }

    /// Sessions that nobody has needed for long, the youngest first, as far as there are more than `base`.
    private func surplus(of sessions: [SessionState], over base: Int, at now: Instant) -> [Int] {
        // The last one that somebody could use beside bulk would be dialled again at once.
        let most = min(sessions.count - base, sessions.count { !$0.isBusy } - 1)
        guard most > 0 else { return [] }
        return Array(sessions.indices.reversed().filter { sessions[$0].isUseless(at: now) }.prefix(most))
    }
}

extension LinkPlan.SessionState {
    /// Whether nobody has needed it for long.
    fileprivate func isUseless(at now: Instant) -> Bool {
        guard streams == 0, let idleSince else { return false }
        return now.duration(since: idleSince) >= LinkPlan.idleTime
    }
}
