import EventIO
import ProtocolCore
import Vocabulary

// How a session ends, and what its link is kept for after that.

extension PeerSession {
    /// How an owner wants a session to end.
    enum RequestedEnd {
        /// When the peer has acknowledged everything that was sent on streams.
        case whenAcknowledged(CloseCode, String)
        /// With the streams that it still has.
        case now(CloseCode, String)
        /// Without a link.
        case abandoned(Abandonment)
    }

    /// Remembers how the session shall end.
    ///
    /// The first request stands, but one that waits for nothing replaces one that waits.
    func request(_ end: RequestedEnd) {
        if case .now = requestedEnd { return }
        if case .whenAcknowledged = end, requestedEnd != nil { return }
        requestedEnd = end
        flushSoon()
    }

    /// Does what the owner requested: here, because an owner may ask from within a stream's ``StreamEndpoint/fill(_:)``, while a
    /// record is being made.
    func carryOutRequest() {
        switch requestedEnd {
        case nil: return
        case .whenAcknowledged(let code, let text): core.closeWhenAcknowledged(code, text)
        case .now(let code, let text): core.close(code, text)
        case .abandoned(let cause):
            // It may have got a link in the meantime, and then goes on.
            core.abandon(cause)
            requestedEnd = nil
        }
        takeEvents()
    }

    func linkEnded(_ fault: LinkFault) {
        if lingering != nil {
            letGo()
            return
        }
        core.linkEnded(fault, at: environment.loop.now)
        takeEvents()
        armTimer()
    }

    /// The core has ended the session: the link is let go, and the endpoints and the owner hear of it at the turn's end.
    ///
    /// By then, everything that came before the end has been delivered.
    func ended(_ end: SessionEnd) {
        switch end.kind {
        case .closedByUs, .violation: linger()
        case .closedByPeer, .linkLost: letGo()
        }
        note(.ended(end))
    }

    /// News for the owner, told at the turn's end.
    func note(_ notice: SessionNotice) {
        notices.append(notice)
        flushSoon()
    }

    /// Tells the turn's news.
    func tellNotices() {
        let news = notices
        notices.removeAll(keepingCapacity: false)
        for notice in news {
            if case .ended(let end) = notice { tellEndpoints(end) }
            owner?.session(self, notice)
        }
    }

    private func tellEndpoints(_ end: SessionEnd) {
        let endpoints = slots.compactMap(\.endpoint)
        slots = []
        interruptedStreams = endpoints.count
        for endpoint in endpoints { endpoint.sessionEnded(end) }
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
