import EventIO
import SecureLink

/// What a relay needs of its surroundings.
///
/// One per worker. Confined to its loop's thread.
final class RelayContext {
    unowned let loop: EventLoop
    /// What the process holds for its peers.
    let budget: MemoryBudget
    let refusals: RefusalLog

    init(loop: EventLoop, budget: MemoryBudget, refusals: RefusalLog) {
        self.loop = loop
        self.budget = budget
        self.refusals = refusals
    }
}

/// Owns relays.
protocol RelayOwner: AnyObject {
    /// The relay's last call: it moves nothing any more.
    ///
    /// - Parameters:
    ///   - relay: the relay that ended.
    ///   - session: the session that carried its stream, if one did.
    ///   - outcome: how it ended.
    func relay(_ relay: Relay, on session: PeerSession?, ended outcome: RelayOutcome)
}
