import EventIO
import ProtocolCore
import Vocabulary

// How a session ends, and what its link is kept for after that.

extension PeerSession {
    func linkEnded(_ fault: LinkFault) {
        if lingering != nil {
            letGo()
            return
        }
        core.linkEnded(fault, at: environment.loop.now)
        takeEvents()
        armTimer()
    }

    func ended(_ end: SessionEnd) {
        let endpoints = slots.compactMap(\.endpoint)
        slots = []
        interruptedStreams = endpoints.count
        // What came in front of the end lies in memory that all links of the loop read into: it is delivered before
        // anything else is read.
        for endpoint in endpoints { endpoint.sessionEnded(end) }
        switch end.kind {
        case .closedByUs, .violation: linger()
        case .closedByPeer, .linkLost: letGo()
        }
        owner?.session(self, ended: end)
    }

    /// Our last words are written, and the link is kept until the other end has read them: closed at once, with bytes of
    /// the other end's unread, the system would send a reset that may overtake them.
    func linger() {
        guard socket != nil else { return }
        lingering = self
        environment.lingeringBegan()
        timer?.schedule(after: Self.lingerTime)
        finishWriting()
        discard()
    }

    func finishWriting() {
        writeOut()
        if core.unwrittenCount == 0, preamble.isEmpty { socket?.shutdownWriting() }
    }

    /// Reads what nobody wants any more, into memory that nobody looks at, and not for longer than a turn may take.
    func discard() {
        withUnsafeTemporaryAllocation(byteCount: Self.discardedAtOnce, alignment: 1) { space in
            for _ in 0..<Self.maxDiscards {
                guard let socket else { return }
                switch socket.read(into: space) {
                case .bytes: continue
                case .nothing: return
                case .end, .failed:
                    letGo()
                    return
                }
            }
        }
        if socket?.isReadable ?? false { readAgainSoon() }
    }

    /// How much is read at once of what is thrown away, and how often in a turn; together a turn's bytes.
    private static let discardedAtOnce = 16 << 10
    private static let maxDiscards = 16

    func letGo() {
        timer?.cancel()
        socket?.close()
        socket = nil
        guard lingering != nil else { return }
        lingering = nil
        environment.lingeringEnded()
    }
}
