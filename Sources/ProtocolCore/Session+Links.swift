package import Basics
package import Vocabulary

/// A session outlives its link (PROTOCOL.md, Resumption).
///
/// ```
/// attached ──link lost──► detached ──another link──► attached
///                            └──no link in time──► closed
/// ```
/// Sealed records stay in the log. On a new link, this end sends them again byte for byte, from the first one that the peer has
/// not received. While there is no link, the session seals nothing and nothing grows.
extension Session {
    /// Whether both ends keep the session if its link is lost.
    package var isResumable: Bool { log.keeping == .untilAcknowledged }

    /// Whether the session is open and has a link.
    package var isAttached: Bool { mutating get { phase == .open && lost == nil } }

    /// The number of records received since the session began, which this end reports to the peer on another link.
    package var receivedRecords: UInt64 { acknowledgements.received }

    /// The number of the client's next resumption attempt.
    package mutating func nextAttempt() -> UInt64 {
        attempts += 1
        return attempts
    }

    /// Reports that the link has ended.
    ///
    /// Without a CLOSE from the peer, this end does not know which bytes were lost.
    package mutating func linkEnded(_ fault: LinkFault = .ended, at now: Instant) {
        linkFailed(fault, at: now)
    }

    /// Starts a liveness check, after an event that may have cost the link.
    ///
    /// If no bytes arrive from the peer in time, the link counts as lost.
    package mutating func checkLiveness(at now: Instant) {
        guard isAttached, deadlines.liveness == .distantFuture else { return }
        ping(at: now)
        // A record that was sent and asks to be acknowledged prompts an answer as well.
        guard roundTrip.isPending || log.acknowledgedRecords < lastAskingRecord else { return }
        livenessCheckedAt = now
        deadlines.liveness = now.advanced(by: SessionLimits.livenessTimeout)
    }

    /// Resumes the session on another link, over which the peer has reported the number of records that it has received.
    ///
    /// This end will write the later records again. If the session still has a link, that link counts as lost: only one is used
    /// at a time.
    ///
    /// - Returns: the number of bytes that will be written again.
    /// - Throws: a violation if the peer cannot have received this number of records; the session is over then.
    package mutating func resume(received: UInt64, at now: Instant) throws(ProtocolViolation) -> Int {
        precondition(isResumable, "only who has said so can be reattached")
        if lost == nil { linkFailed(.replaced, at: now) }
        guard phase == .open, lost != nil else { return 0 }
        do throws(ProtocolViolation) {
            try log.rewind(to: received)
        } catch {
            end(.violation(error.code, error.reason))
            throw error
        }
        lost = nil
        acknowledgements.wasTold()
        // The piggybacked frames may have no later record to wait for.
        acknowledgements.isDue = !piggybacked.isEmpty
        openConfirmation.acknowledged(log.acknowledgedRecords, at: now)
        if !delayedResets.isEmpty { armDelayedResets() }
        // Without a link the peer receives no RESETs, so that time adds no tokens.
        ownEarlyResets.skip(to: now)
        deadlines.resumption = .distantFuture
        lastReceivedAt = now
        deadlines.keepAlive = now.advanced(by: options.keepAliveInterval)
        ping(at: now)
        closeIfAcknowledged()
        return log.unwrittenCount
    }

    /// Ends a session that has no link, because no other link will come.
    package mutating func abandon(_ cause: Abandonment) {
        guard phase == .open, lost != nil else { return }
        end(.notResumed(cause))
    }
}

// MARK: - Inside

extension Session {
    mutating func linkFailed(_ fault: LinkFault, at now: Instant) {
        guard phase == .open, lost == nil else { return }
        guard isResumable else {
            end(.linkLost(fault))
            return
        }
        if fault.isDamage {
            damagedLinks += 1
            guard damagedLinks <= SessionLimits.maxDamagedLinks else {
                fail(.badRecords)
                return
            }
        }
        lost = (fault, now)
        roundTrip.forget()
        allowance.linkLost()
        deadlines.acknowledgement = .distantFuture
        deadlines.keepAlive = .distantFuture
        deadlines.liveness = .distantFuture
        deadlines.resumption = now.advanced(by: options.resumeWindow)
        events.add(.detached(fault))
    }

    /// Ends the liveness check: the link is lost if no bytes have arrived from the peer since it began.
    mutating func endLivenessCheck(at now: Instant) {
        deadlines.liveness = .distantFuture
        if lastReceivedAt <= livenessCheckedAt { linkFailed(.silent, at: now) }
    }

    /// Ends the session, because no other link came in time.
    mutating func expire() {
        abandon(.late)
    }
}
