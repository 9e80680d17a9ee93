import EventIO
import SecureLink

/// The surroundings of a relay.
///
/// One per worker. Confined to its loop's thread.
final class RelayContext {
    unowned let loop: EventLoop
    /// The memory that the process holds for its peers.
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
    /// Notes that a relay has ended: this is the relay's last call.
    ///
    /// - Parameters:
    ///   - relay: the relay that ended.
    ///   - session: the session that carried its stream, if one did.
    ///   - outcome: why and by whom it ended.
    func relay(_ relay: Relay, on session: PeerSession?, ended outcome: RelayOutcome)
}
