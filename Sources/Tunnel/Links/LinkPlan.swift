/// How many sessions to one peer a worker keeps: decided here, carried out elsewhere.
///
/// One is enough for any number of quiet streams. A stream that moves bulk fills its link, so as soon as every session is
/// busy another one is made, up to a limit, and given up again when it has long been needed by nobody.
struct LinkPlan: Hashable {
    /// What is known of one session.
    struct SessionState: Hashable {
        var streams: Int
        var isBusy: Bool
        /// Since when it has had no stream, in nanoseconds of the loop's clock; `nil` while it has one.
        var idleSince: UInt64?
    }

    /// What is to be done.
    struct Decision: Hashable {
        /// Whether another session is wanted.
        var wantsAnother = false
        /// Sessions to be closed, by their place in the list.
        var closes: [Int] = []
    }

    /// At least so many.
    let least: Int
    /// At most so many.
    let most: Int

    /// How long a session that is not needed is kept.
    ///
    /// Shorter would make and give up links with every burst.
    static let idleTime: UInt64 = 60_000_000_000
    /// Four links, each on its own connection, are as much as one thread can fill.
    static let mostAutomatic = 4

    init(_ count: LinkCount) {
        switch count {
        case .automatic: (least, most) = (1, Self.mostAutomatic)
        case .fixed(let count): (least, most) = (count, count)
        }
    }

    func decide(_ sessions: [SessionState], at now: UInt64) -> Decision {
        var decision = Decision()
        let isShort = sessions.count < least
        let allBusy = !sessions.isEmpty && sessions.allSatisfy(\.isBusy)
        decision.wantsAnother = isShort || (allBusy && sessions.count < most)
        var surplus = sessions.count - least
        for (index, session) in sessions.enumerated().reversed() where surplus > 0 {
            guard session.streams == 0, let idleSince = session.idleSince, now &- idleSince >= Self.idleTime
            else {
                continue
            }
            decision.closes.append(index)
            surplus -= 1
        }
        return decision
    }
}
