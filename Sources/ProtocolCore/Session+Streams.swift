package import Basics
package import Vocabulary
import WireCoding

/// A RESET that waits until the peer has known the stream for long enough.
///
/// A RESET is delayed if this end has reset too many young streams before it.
struct DelayedReset {
    let id: StreamID
    let failure: StreamFailure
}

// MARK: - Calls of the owner

extension Session {
    /// Opens a stream; bytes may follow at once, without waiting for the peer.
    ///
    /// - Returns: the stream, or `nil` if ``canOpen`` is false or the name of the service is not valid.
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

    /// Marks a stream that has bytes, or its end, to send: ``nextSlot(atMost:)`` will return a slot for it.
    package mutating func setReady(_ stream: StreamHandle) {
        guard streams.contains(stream), streams[stream.slot].sending == .open else { return }
        streams[stream.slot].isReady = true
        if streams[stream.slot].canSend { scheduler.join(stream.slot, in: &streams) }
    }

    /// Ends this end's direction of a stream, if there are no more bytes to put into a slot.
    package mutating func finish(_ stream: StreamHandle) {
        guard phase == .open, streams.contains(stream), streams[stream.slot].sending == .open else { return }
        streams[stream.slot].sending = .finished
        streams[stream.slot].isReady = false
        control.finish(stream.id)
    }

    /// Reports to the peer the result of connecting to the target; `nil` reports success.
    ///
    /// The owner calls it once for each stream, and only for streams that the peer opened.
    package mutating func reportOpen(_ stream: StreamHandle, _ failure: StreamFailure?, at now: Instant) {
        guard phase == .open, streams.contains(stream), !isCutOff(stream), !streams[stream.slot].isOurs,
            !streams[stream.slot].hasResult
        else { return }
        streams[stream.slot].hasResult = true
        if let failure {
            control.openResult(stream.id, failure)
            return
        }
        // The peer does not wait for a success, and usually the record with the target's first bytes carries it.
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
        // If both directions have ended, there is nothing left to reset.
        guard !isOver else { return }
        openConfirmation.settle(at: now)
        let mayLookEarly = state.isOurs && stream.id.rawValue > openConfirmation.settled
        // Without a link the peer receives no RESETs, so the time since the loss adds no tokens.
        if mayLookEarly, !ownEarlyResets.take(at: lost?.at ?? now) {
            delayedResets.append(DelayedReset(id: stream.id, failure: failure))
            armDelayedResets()
        } else {
            control.reset(stream.id, failure)
        }
    }

    /// Reports that the owner has taken `count` bytes of a stream, so that the peer gets new credit for them.
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

    /// Releases a stream whose socket, the target's or the visitor's, is closed.
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
    /// Whether either end has reset the stream.
    func isCutOff(_ stream: StreamHandle) -> Bool {
        streams[stream.slot].receiving == .reset || streams[stream.slot].sending == .reset
    }

    /// Marks both directions of a stream as reset.
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

    /// Arms the timer for the delayed RESETs.
    ///
    /// If they wait for an acknowledgement first, its arrival arms the timer.
    mutating func armDelayedResets() {
        let next = delayedResets.isEmpty ? nil : openConfirmation.nextChange(upTo: nextStream - 2)
        deadlines.delayedReset = next ?? .distantFuture
    }

    mutating func consumeOfSession(_ count: Int) {
        receiveWindow.consume(count)
        if receiveWindow.isGrantDue(lead: sessionLead) { isSessionGrantDue = true }
    }

    /// The credit of the session beyond its window: as much as streams hold because their readers do not take it.
    ///
    /// So stalled streams do not use up the credit of the others.
    var sessionLead: UInt64 { mayGrow ? min(receiveWindow.held, SessionLimits.maxHeld) : 0 }

    /// Counts one of the peer's streams as ended: the peer may open another one.
    private mutating func forgetPeersStream() {
        endedOfPeer += 1
        let (sum, overflow) = endedOfPeer.addingReportingOverflow(options.parameters.maxStreams)
        let allowed = overflow ? UInt32.max : sum
        // Sent each time half of the permitted streams have ended: seldom, and before the peer has to wait.
        guard phase == .open, allowed - allowedToPeer >= max(1, options.parameters.maxStreams / 2) else {
            return
        }
        allowedToPeer = allowed
        control.maxStreams(allowed)
    }
}
