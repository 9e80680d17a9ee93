import Basics
import EventIO
import SecureLink

/// Receives the events of a worker's relays.
protocol RelaySetDelegate: AnyObject {
    /// A relay has ended.
    ///
    /// - Parameters:
    ///   - relays: the set.
    ///   - relay: the relay; it is not in the set any more.
    ///   - session: the session that carried its stream, if one did.
    ///   - outcome: why and by whom it ended.
    func relays(_ relays: RelaySet, ended relay: Relay, on session: PeerSession?, _ outcome: RelayOutcome)
}

/// Keeps the relays of one worker, enforces their time limits, and counts them as the worker's load.
///
/// Confined to its loop's thread.
final class RelaySet {
    let context: RelayContext
    private let log: TunnelLog
    private let load: WorkerLoad
    private var relays: [Relay] = []
    weak var delegate: (any RelaySetDelegate)?

    init(in context: RelayContext, log: TunnelLog, load: WorkerLoad) {
        self.context = context
        self.log = log
        self.load = load
    }

    /// The number of relays.
    var count: Int { relays.count }

    /// Keeps a relay until it ends.
    func add(_ relay: Relay) {
        relay.place = relays.count
        relays.append(relay)
        load.set(streams: relays.count)
    }

    /// Ends relays whose wait is over; called a few times a second.
    func look(at now: Instant) {
        for relay in relays where relay.deadline <= now { relay.timedOut() }
    }

    /// Ends the relays that have not begun to move bytes: this end is draining.
    func endUnjoined() {
        for relay in relays where !relay.machine.isJoined { relay.shutDown() }
    }

    /// Ends all relays: this end is shutting down.
    func endAll() {
        for relay in relays { relay.shutDown() }
    }
}

extension RelaySet: RelayOwner {
    func relay(_ relay: Relay, on session: PeerSession?, ended outcome: RelayOutcome) {
        let last = relays.removeLast()
        if last !== relay {
            relays[relay.place] = last
            last.place = relay.place
        }
        load.set(streams: relays.count)
        log.streamClosed(relay, outcome, at: context.loop.now)
        delegate?.relays(self, ended: relay, on: session, outcome)
    }
}
