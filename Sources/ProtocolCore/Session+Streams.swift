package import Basics
package import Vocabulary
import WireCoding

/// A RESET that waits until the peer has known the stream for long enough, because too many young streams were
/// reset before it.
struct DelayedReset {
    let id: StreamID
    let failure: StreamFailure
}

// MARK: - What the owner calls

extension Session {
    /// Opens a stream; bytes may follow at once, without waiting for the peer.
    ///
    /// - Returns: the stream, or `nil` when ``canOpen`` is false or the service's name cannot be one.
    package mutating func open(_ request: StreamRequest, at now: Instant) -> StreamHandle? {
        guard canOpen, let payload = request.encoded() else { return nil }
        let id = StreamID(rawValue: nextStream)
        nextStream += 2
        openedByUs += 1
        control.open(id, payload: payload)
        return streams.insert(
            SessionStream(
                id: id,
                isOurs: true,
                openedAt: now,
                sendWindow: SendWindow(limit: UInt64(peer.streamWindow)),
                receiveWindow: ReceiveWindow(size: UInt64(options.parameters.streamWindow))
            )
        )
    }

    /// The stream has something to send, or its end: ``nextSlot(atMost:)`` will ask for it.
    package mutating func setReady(_ stream: StreamHandle) {
        guard streams.contains(stream), streams[stream.slot].sending == .open else { return }
        streams[stream.slot].isReady = true
        if streams[stream.slot].canSend { scheduler.join(stream.slot, in: &streams) }
    }

    /// Ends our direction of a stream when there is nothing more to put into a slot.
    package mutating func finish(_ stream: StreamHandle) {
        guard phase == .open, streams.contains(stream), streams[stream.slot].sending == .open else { return }
        streams[stream.slot].sending = .finished
        streams[stream.slot].isReady = false
        control.finish(stream.id)
    }

    /// Tells the peer how connecting to the target went.
    ///
    /// Once a stream, and only for the peer's; `nil` reports success.
    package mutating func reportOpen(_ stream: StreamHandle, _ failure: StreamFailure?, at now: Instant) {
        guard phase == .open, streams.contains(stream), !isCutOff(stream), !streams[stream.slot].isOurs,
            !streams[stream.slot].hasResult
        else { return }
        streams[stream.slot].hasResult = true
        if let failure {
            control.openResult(stream.id, failure)
            return
        }
        // Nobody waits for it, and the target's first bytes will usually carry it.
        piggybacked.openResult(stream.id, nil)
        if deadlines.acknowledgement == .distantFuture {
            deadlines.acknowledgement = now.advanced(by: SessionLimits.acknowledgementDelay)
        }
    }

    /// Ends both directions of a stream at once.
    package mutating func reset(_ stream: StreamHandle, _ failure: StreamFailure, at now: Instant) {
        guard phase == .open, streams.contains(stream), !isCutOff(stream) else { return }
        let state = streams[stream.slot]
        let isOver = state.sending == .finished && state.receiving == .finished
        cutOff(stream)
        // When both ends have said all they had to, there is nothing left to cut off.
        guard !isOver else { return }
        openConfirmation.settle(at: now)
        let mayLookEarly = state.isOurs && stream.id.rawValue > openConfirmation.settled
        // While there is no link, the peer sees none of them, and time earns no more.
        if mayLookEarly, !ownEarlyResets.take(at: lost?.at ?? now) {
            delayedResets.append(DelayedReset(id: stream.id, failure: failure))
            armDelayedResets()
        } else {
            control.reset(stream.id, failure)
        }
    }

    /// The owner has taken so many bytes of a stream: the peer will be given credit for as many.
    package mutating func consumed(_ count: Int, on stream: StreamHandle) {
        guard count > 0, streams.contains(stream) else { return }
        streams[stream.slot].receiveWindow.consume(count)
        consumeOfSession(count)
        guard streams[stream.slot].receiving == .open, !streams[stream.slot].isGrantListed,
            streams[stream.slot].receiveWindow.isGrantDue()
        else { return }
        streams[stream.slot].isGrantListed = true
        grantsDue.append(stream.slot)
    }

    /// The owner has no more to do with a stream: its target's or visitor's socket is closed.
    ///
    /// A stream that is not over is reset.
    package mutating func release(_ stream: StreamHandle, at now: Instant) {
        guard streams.contains(stream) else { return }
        reset(stream, .cancelled, at: now)
        let state = streams[stream.slot]
        scheduler.leave(stream.slot, in: &streams)
        if state.isGrantListed { grantsDue.removeAll { $0 == stream.slot } }
        streams.remove(stream)
        consumeOfSession(Int(clamping: state.receiveWindow.held))
        if !state.isOurs { forgetPeersStream() }
    }
}

// MARK: - Inside

extension Session {
    /// Whether a stream was reset by either end.
    func isCutOff(_ stream: StreamHandle) -> Bool {
        streams[stream.slot].receiving == .reset || streams[stream.slot].sending == .reset
    }

    /// Nothing goes either way any more.
    mutating func cutOff(_ stream: StreamHandle) {
        streams[stream.slot].sending = .reset
        streams[stream.slot].receiving = .reset
        streams[stream.slot].isReady = false
        scheduler.leave(stream.slot, in: &streams)
    }

    mutating func releaseDelayedResets(at now: Instant) {
        openConfirmation.settle(at: now)
        let settled = openConfirmation.settled
        for delayed in delayedResets where delayed.id.rawValue <= settled {
            control.reset(delayed.id, delayed.failure)
        }
        delayedResets.removeAll { $0.id.rawValue <= settled }
        armDelayedResets()
    }

    /// Wakes us when a delayed RESET may be due; an acknowledgement that has to come first does it by itself.
    mutating func armDelayedResets() {
        let next = delayedResets.isEmpty ? nil : openConfirmation.nextChange(upTo: nextStream - 2)
        deadlines.delayedReset = next ?? .distantFuture
    }

    mutating func consumeOfSession(_ count: Int) {
        receiveWindow.consume(count)
        if receiveWindow.isGrantDue(lead: sessionLead) { isSessionGrantDue = true }
    }

    /// How much further than its window the session's credit reaches: as far as streams hold what their readers do
    /// not take, so that those who stand still do not use up the credit of those who move.
    var sessionLead: UInt64 { mayGrow ? min(receiveWindow.held, SessionLimits.maxHeld) : 0 }

    /// One of the peer's streams is over: it may open another one.
    private mutating func forgetPeersStream() {
        endedOfPeer += 1
        let (sum, overflow) = endedOfPeer.addingReportingOverflow(options.parameters.maxStreams)
        let allowed = overflow ? UInt32.max : sum
        // Told when half of them have been used up: seldom, and before the peer has to wait.
        guard phase == .open, allowed - allowedToPeer >= max(1, options.parameters.maxStreams / 2) else {
            return
        }
        allowedToPeer = allowed
        control.maxStreams(allowed)
    }
}
