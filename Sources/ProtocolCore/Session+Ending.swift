package import Basics
package import Vocabulary

// How a session ends: in an orderly way, by a fault, or with its last link.

extension Session {
    /// Ends the session at once: what is in the log is still to be written, and then the link closed.
    ///
    /// Streams that there still are end with it. Without a link, nobody is told.
    package mutating func close(_ code: CloseCode, _ text: String = "") {
        guard phase == .open else { return }
        guard isAttached else {
            end(.byUs(code, text))
            return
        }
        // Ends of streams may still wait to be said.
        writeControl(upTo: .max)
        sayLast(ReasonText(code: code, text: text), .byUs(code, text))
    }

    /// Ends the session as soon as the peer has everything that was said on streams, so that no end of a stream is lost
    /// when the link is lost now; no stream can be opened any more.
    ///
    /// At once, when there is nothing that could get lost, or when a lost link is the end anyway.
    package mutating func closeWhenAcknowledged(_ code: CloseCode, _ text: String = "") {
        guard phase == .open, closing == nil else { return }
        closing = ReasonText(code: code, text: text)
        closeIfAcknowledged()
    }

    /// Whether the peer has everything that was said on streams.
    package var isFullyAcknowledged: Bool {
        control.streamFrames == 0 && log.acknowledgedRecords >= lastStreamRecord
    }

    /// Gives back memory that a session which says nothing does not need.
    package mutating func rest(at now: Instant) {
        guard building == nil, now >= lastDataAt.advanced(by: SessionLimits.quietTime) else { return }
        log.rest()
    }

    /// Tells the peer that no new streams are welcome; those that there are finish.
    package mutating func goAway(_ code: CloseCode, _ text: String = "") {
        guard phase == .open, wentAwayAt == nil else { return }
        wentAwayAt = lastPeerStream
        control.goAway(lastStream: lastPeerStream, ReasonText(code: code, text: text))
    }
}

// MARK: - Inside

extension Session {
    mutating func closeIfAcknowledged() {
        guard let closing, isFullyAcknowledged || !isResumable else { return }
        close(closing.code, closing.text)
    }

    mutating func fail(_ violation: ProtocolViolation) {
        guard phase == .open else { return }
        sayLast(
            ReasonText(code: violation.code, text: violation.reason),
            .violation(violation.code, violation.reason)
        )
    }

    /// Something of our own does not work that always does: nothing more can be said.
    mutating func giveUp(_ reason: String) {
        building = nil
        end(.byUs(.internalError, reason))
    }

    mutating func closedByPeer(_ reason: ReasonText) {
        end(.byPeer(reason.code, reason.text))
    }

    mutating func end(_ end: SessionEnd) {
        guard phase == .open else { return }
        phase = .closed
        events.add(.closed(end))
    }

    /// CLOSE is the last frame.
    private mutating func sayLast(_ reason: ReasonText, _ end: SessionEnd) {
        control.clear()
        piggybacked.clear()
        control.close(reason)
        writeQueued(upTo: .max)
        sealRecord()
        // Sealing may have failed, and then that was the end.
        guard phase == .open else { return }
        phase = .closing
        events.add(.closed(end))
    }
}
