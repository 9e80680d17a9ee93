import EventIO
import ProtocolCore

// How a session ends, and what its link is kept for after that.

extension PeerSession {
    func linkEnded(_ fault: LinkFault) {
        if lingering != nil {
            letGo()
            return
        }
        core.linkEnded(fault, at: environment.now)
        takeEvents()
        armTimer()
    }

    func ended(_ reason: SessionEndReason) {
        let seated = seats.compactMap(\.endpoint)
        seats = []
        interruptedStreams = seated.count
        switch reason.kind {
        case .closedByUs, .violation: linger()
        case .closedByPeer, .linkLost: letGo()
        }
        for endpoint in seated { endpoint.sessionEnded(reason) }
        owner?.session(self, ended: reason)
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

    func discard() {
        while let socket {
            switch socket.read(into: environment.scratch) {
            case .bytes: continue
            case .nothing: return
            case .end, .failed:
                letGo()
                return
            }
        }
    }

    func letGo() {
        timer?.cancel()
        socket?.close()
        socket = nil
        guard lingering != nil else { return }
        lingering = nil
        environment.lingeringEnded()
    }
}
