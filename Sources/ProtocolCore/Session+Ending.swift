package import Basics
package import Vocabulary

// The end of a session: an orderly close, a violation of the protocol, or the loss of the last link.

extension Session {
    /// Closes the session at once: the owner still writes the rest of the log and then closes the link.
    ///
    /// Open streams end with the session. Without a link, the peer receives no CLOSE.
    package mutating func close(_ code: CloseCode, _ text: String = "") {
        guard phase == .open else { return }
        guard isAttached else {
            end(.byUs(code, text))
            return
        }
        // The ends of streams may still be queued.
        writeControl(upTo: .max)
        sayLast(ReasonText(code: code, text: text), .byUs(code, text))
    }

    /// Closes the session as soon as the peer has acknowledged all frames of streams.
    ///
    /// No end of a stream is lost then, even if the link is lost now. From this call on, this end can open no stream. The session
    /// closes at once if nothing can be lost, or if it would end with its link anyway.
    package mutating func closeWhenAcknowledged(_ code: CloseCode, _ text: String = "") {
        guard phase == .open, closing == nil else { return }
        closing = ReasonText(code: code, text: text)
        closeIfAcknowledged()
    }

    /// Whether the peer has acknowledged all frames of streams.
    package var isFullyAcknowledged: Bool {
        control.streamFrames == 0 && log.acknowledgedRecords >= lastStreamRecord
    }

    /// Releases memory that a quiet session does not need.
    package mutating func rest(at now: Instant) {
        guard building == nil, now >= lastDataAt.advanced(by: SessionLimits.quietTime) else { return }
        log.rest()
    }

    /// Sends GOAWAY to the peer: it may open no new streams, and the existing ones continue.
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

    /// Ends the session after an internal failure, such as a failing cipher: this end can send nothing more.
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

    /// Writes CLOSE, the last frame of the session.
    private mutating func sayLast(_ reason: ReasonText, _ end: SessionEnd) {
        control.clear()
        piggybacked.clear()
        control.close(reason)
        writeQueued(upTo: .max)
        sealRecord()
        // Sealing may have failed, which has already ended the session.
        guard phase == .open else { return }
        phase = .closing
        events.add(.closed(end))
    }
}
