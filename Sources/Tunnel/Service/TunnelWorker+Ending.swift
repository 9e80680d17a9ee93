import EventIO
import SecureLink
import Vocabulary

// How a worker ends: by and by, or at once.

extension TunnelWorker {
    func drain() {
        guard !isDraining else { return }
        isDraining = true
        for listener in routeListeners { listener.close() }
        for listener in linkListeners { listener.close() }
        for peer in peers { peer.stop() }
        server?.stop()
        for relay in relays where !relay.isConnected {
            relay.stream?.reset(.shutdown)
            relay.end(RelayOutcome(ending: .shutdown, by: relay.ownEnd))
        }
        reportIfDrained()
    }

    func stop() {
        isDraining = true
        isStopping = true
        // A second signal may come before the first has been acted on.
        let cutsOff = !relays.isEmpty || peers.contains { $0.hasUnsettled } || (server?.hasUnsettled ?? false)
        if !cutsOff { report(.drained(index)) }
        for listener in routeListeners { listener.close() }
        for listener in linkListeners { listener.close() }
        for relay in relays {
            relay.stream?.reset(.shutdown)
            relay.end(RelayOutcome(ending: .shutdown, by: relay.ownEnd))
        }
        for peer in peers { peer.close() }
        server?.close()
        // The last bytes of a stream that has ended may still wait for the link; links see to it that this has an end.
        if cutsOff || environment.lingeringCount == 0 {
            loop.stop()
        } else {
            environment.noneLingers = { [unowned self] in loop.stop() }
        }
    }

    /// A session has come to its end while the worker drains.
    func sessionEnded() {
        reportIfDrained()
    }

    /// While the worker drains, something has not come to its own end.
    func cutOff() {
        guard !hasCutOff else { return }
        hasCutOff = true
        report(.cutOff)
    }

    func reportIfDrained() {
        // What is cut off has not ended by itself.
        if isDraining, !isStopping, isEmpty { report(.drained(index)) }
    }

    /// Whether every stream has ended, and the peers have all that was said on them.
    private var isEmpty: Bool {
        relays.isEmpty && peers.allSatisfy { $0.count == 0 } && !(server?.isInUse ?? false)
    }
}
