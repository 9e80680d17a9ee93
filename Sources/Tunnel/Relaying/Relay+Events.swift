import Basics
import EventIO
import SecureLink
import Vocabulary

// MARK: - What the stream tells

extension Relay: StreamEndpoint {
    func targetAnswered(_ failure: StreamFailure?) {
        connectFailure = failure
        if failure == nil { isTargetConfirmed = true }
    }

    func streamReset(_ failure: StreamFailure) {
        switch failure {
        case .peerReset: end(RelayOutcome(ending: .reset, by: side.opposite))
        case .cancelled: end(RelayOutcome(ending: .cutOff(failure), by: ownEnd.opposite))
        case .timeout where isTargetConfirmed || side == .target:
            end(RelayOutcome(ending: .idle, by: ownEnd.opposite))
        case .timeout, .refused, .unreachable, .unresolved:
            // The code of the reset says what; the answer before it said why.
            end(RelayOutcome(ending: .notConnected(connectFailure ?? failure), by: .target))
        case .noService, .forbidden, .limit: end(RelayOutcome(ending: .notConnected(failure), by: .acceptor))
        case .shutdown: end(RelayOutcome(ending: .shutdown, by: ownEnd.opposite))
        case .notProcessed, .unknown: end(RelayOutcome(ending: .cutOff(failure), by: ownEnd.opposite))
        }
    }

    func sessionEnded(_ end: SessionEnd) {
        // What came in front of the end still belongs to the stream.
        deliver()
        guard !isOver else { return }
        if outward == .finished, inward == .finished {
            // Only the end of the turn was to come.
            finish()
            return
        }
        if outward == .finished, inward == .ending {
            // Nothing is owed to the other end, and everything from there is here: it only waits for the socket.
            stream?.release()
            stream = nil
            return
        }
        switch end.kind {
        case .linkLost: self.end(RelayOutcome(ending: .sessionEnded(end), by: .link))
        case .closedByPeer, .violation:
            self.end(RelayOutcome(ending: .sessionEnded(end), by: ownEnd.opposite))
        case .closedByUs: self.end(RelayOutcome(ending: .sessionEnded(end), by: ownEnd))
        }
    }
}

// MARK: - What the socket tells

extension Relay: StreamSocketHandler {
    func socketReadable(_ socket: StreamSocket) {
        if outward == .open { stream?.setReady() }
    }

    func socketWritable(_ socket: StreamSocket) {
        if isConnected { writePending() } else { targetConnected() }
    }

    func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) {
        if isConnected { broken(failure) } else { targetFailed(failure) }
    }

    /// The connection of our plain side is gone.
    ///
    /// The other side learns it as a reset, not as an end.
    func broken(_ failure: SystemFailure) {
        stream?.reset(.peerReset)
        end(RelayOutcome(ending: .reset, by: side))
    }
}

// MARK: - The end

extension Relay {
    /// Both directions have come to their end.
    func finish() {
        guard !isOver else { return }
        over(RelayOutcome(ending: .finished, by: firstEnd ?? side))
        socket?.close()
    }

    /// Cut off: the plain side learns it as a reset.
    func end(_ outcome: RelayOutcome) {
        guard !isOver else { return }
        over(outcome)
        socket?.closeWithReset()
    }

    /// Nothing moved for too long, or one direction came to its end and the other has been silent since.
    func endIdle() {
        stream?.reset(.timeout)
        end(RelayOutcome(ending: .idle, by: ownEnd))
    }

    private func over(_ outcome: RelayOutcome) {
        isOver = true
        sessionAtEnd = stream?.owner
        stream?.release()
        stream = nil
        worker.relayEnded(self, outcome)
    }

    /// When the stream has waited long enough.
    var deadline: Instant {
        guard isConnected else { return connectDeadline }
        var wait = settings.idleTimeout
        // Half-closed, the wait follows progress: it begins anew with each byte.
        if outward == .finished || inward == .finished, let half = settings.halfCloseTimeout {
            wait = min(wait ?? half, half)
        }
        guard let wait else { return .distantFuture }
        return lastActivity.advanced(by: wait)
    }

    /// The wait is over.
    func timedOut() {
        if isConnected {
            endIdle()
        } else {
            connectTimedOut()
        }
    }
}
