import EventIO
import ProtocolCore
import Vocabulary

// Ends a session, and keeps its link until the other end has read the final bytes.

extension PeerSession {
    /// The owner's request to end the session.
    enum RequestedEnd {
        /// Close it when the peer has acknowledged everything that was sent on streams.
        case whenAcknowledged(CloseCode, String)
        /// Close it at the turn's end, together with the streams that are still open.
        case now(CloseCode, String)
        /// End it without a link: it will not be resumed.
        case abandoned(Abandonment)
    }

    /// Remembers a request to end the session.
    ///
    /// ``RequestedEnd/now(_:_:)`` is final. ``RequestedEnd/whenAcknowledged(_:_:)`` never replaces an earlier request; the
    /// other two do.
    func request(_ end: RequestedEnd) {
        if case .now = requestedEnd { return }
        if case .whenAcknowledged = end, requestedEnd != nil { return }
        requestedEnd = end
        flushSoon()
    }

    /// Carries out the owner's request.
    ///
    /// This happens at the turn's end, because an owner may make the request from within a stream's ``StreamEndpoint/fill(_:)``,
    /// while a record is being made.
    func carryOutRequest() {
        switch requestedEnd {
        case nil: return
        case .whenAcknowledged(let code, let text): core.closeWhenAcknowledged(code, text)
        case .now(let code, let text): core.close(code, text)
        case .abandoned(let cause):
            // The core ignores the request if the session has a new link.
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

    /// The core has ended the session: releases the link, or keeps it until the other end has read the final bytes.
    ///
    /// The endpoints and the owner are notified at the turn's end. By then, all bytes that arrived before the end have been
    /// delivered.
    func ended(_ end: SessionEnd) {
        switch end.kind {
        case .closedByUs, .violation: linger()
        case .closedByPeer, .linkLost: letGo()
        }
        note(.ended(end))
    }

    /// Keeps a notice for the owner until the turn's end.
    func note(_ notice: SessionNotice) {
        notices.append(notice)
        flushSoon()
    }

    /// Delivers the turn's notices.
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

    /// Writes the final bytes and keeps the link until the other end has read them.
    ///
    /// If the socket were closed at once, with unread bytes of the other end, the kernel would send a reset that may overtake the
    /// final bytes.
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

    /// Reads and discards bytes, for no longer than a turn may take.
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

    /// The maximum number of bytes that one read discards.
    private static let discardedAtOnce = 16 << 10
    /// The maximum number of such reads in a turn.
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
