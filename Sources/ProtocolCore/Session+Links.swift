package import Basics
package import Vocabulary

/// A session outlives its link (PROTOCOL.md, Resumption).
///
/// ```
/// attached ──link lost──► detached ──another link──► attached
///                            └──no link in time──► closed
/// ```
/// What was sealed stays in the log, and is sent again byte for byte from where the peer says it has come to. While
/// there is no link, nothing is sealed and nothing grows.
extension Session {
    /// Whether both ends keep the session when its link is lost.
    package var isResumable: Bool { log.keeping == .untilAcknowledged }

    /// Whether the session is open and has a link.
    package var isAttached: Bool { mutating get { phase == .open && lost == nil } }

    /// How many records have been received since the session began: what the peer is told on another link.
    package var receivedRecords: UInt64 { acknowledgements.received }

    /// The number of the client's next try to take the session to another link.
    package mutating func nextAttempt() -> UInt64 {
        attempts += 1
        return attempts
    }

    /// The link has ended.
    ///
    /// Without the peer's CLOSE nobody knows what got lost with it.
    package mutating func linkEnded(_ fault: LinkFault = .ended, at now: Instant) {
        linkFailed(fault, at: now)
    }

    /// Expects a sign of life soon, because something has happened that may have cost the link.
    ///
    /// Without one the link counts as lost.
    package mutating func checkLiveness(at now: Instant) {
        guard isAttached, deadlines.liveness == .distantFuture else { return }
        ping(at: now)
        // What was sent and asks to be acknowledged is a question as well.
        guard roundTrip.isPending || log.acknowledgedRecords < lastAskingRecord else { return }
        livenessCheckedAt = now
        deadlines.liveness = now.advanced(by: SessionLimits.livenessTimeout)
    }

    /// The session has another link, over which the peer has said how many records it has received; what it has not
    /// waits to be written again.
    ///
    /// A link that there still was counts as lost: only one is used at a time.
    ///
    /// - Returns: how many bytes will be written again.
    /// - Throws: when the peer cannot have received so many or so few; the session is over then.
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
        // What was to go along with the next record has no other to wait for.
        acknowledgements.isDue = !piggybacked.isEmpty
        openConfirmation.acknowledged(log.acknowledgedRecords, at: now)
        if !delayedResets.isEmpty { armDelayedResets() }
        // The peer does not see our RESETs while there is no link, so that time earns no more of them.
        ownEarlyResets.skip(to: now)
        deadlines.resumption = .distantFuture
        lastReceivedAt = now
        deadlines.keepAlive = now.advanced(by: options.keepAliveInterval)
        ping(at: now)
        closeIfAcknowledged()
        return log.unwrittenCount
    }

    /// No other link will come: ends a session that has none.
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

    /// The time for a sign of life is over.
    mutating func endLivenessCheck(at now: Instant) {
        deadlines.liveness = .distantFuture
        if lastReceivedAt <= livenessCheckedAt { linkFailed(.silent, at: now) }
    }

    /// No other link came in time.
    mutating func expire() {
        abandon(.late)
    }
}
