import Basics
import EventIO
import ProtocolCore
import Vocabulary

// The loss of a session's link, and the move to another one.

extension PeerSession {
    /// Another link for a session.
    struct Arrival {
        /// The connection, after the peer's part of the handshake; its handler is not the session yet.
        let socket: StreamSocket
        /// The remote address.
        let remote: SocketAddress
        /// The number of records that the peer has received.
        let peerReceived: UInt64
        /// The bytes that are sent before the first record.
        let preamble: [UInt8]
        /// The bytes that arrived after the handshake.
        let records: [UInt8]
    }

    /// A summary of a resumption.
    package struct ResumptionSummary: Sendable {
        /// The time that the session had no link.
        package let gap: Duration
        /// The number of bytes that are sent again.
        package let resentBytes: Int
    }

    /// Whether the session has a link now.
    package var isAttached: Bool { core.isAttached }

    /// Whether the peer has acknowledged everything that was sent on streams.
    ///
    /// Also true if the session is not resumable: such a session does not keep the records that would show it.
    package var isFullyAcknowledged: Bool { core.isFullyAcknowledged || !core.isResumable }

    /// Whether the session survives the loss of its link.
    package var isResumable: Bool { core.isResumable }

    /// The identifier and keys with which the session is found and proved on another link.
    var proof: SessionProof { core.proof }

    /// The number of records received since the session began.
    var receivedRecords: UInt64 { core.receivedRecords }

    /// A request to resume the session, with a new attempt number.
    func requestResumption(random: [UInt8]) -> ClientResumption {
        ClientResumption(
            core.proof,
            attempt: core.nextAttempt(),
            received: core.receivedRecords,
            random: random
        )
    }

    /// Moves the session to another link; a link that it still has counts as lost.
    ///
    /// - Returns: whether the session has taken the link, even if only to write its final bytes; otherwise the link is closed.
    @discardableResult
    func attach(_ arrival: Arrival) -> Bool {
        if core.isAttached {
            core.linkEnded(.replaced, at: environment.loop.now)
            takeEvents()
        }
        let gap = environment.loop.now.duration(since: detachedAt)
        let resent: Int
        do throws(ProtocolViolation) {
            resent = try core.resume(received: arrival.peerReceived, at: environment.loop.now)
        } catch {
            // The core has ended the session and reports it as an event.
            arrival.socket.close()
            takeEvents()
            return false
        }
        guard core.isOpen || core.unwrittenCount > 0 else {
            arrival.socket.close()
            return false
        }
        socket = arrival.socket
        remote = arrival.remote
        preamble = arrival.preamble
        hasLostLink = false
        adopt(arrival.socket)
        note(.resumed(ResumptionSummary(gap: gap, resentBytes: resent)))
        // A closing session may have been waiting for the acknowledgement that the peer's count of records contains.
        takeEvents()
        if core.isOpen { start(received: arrival.records) }
        return true
    }

    /// Whether the session may be resumed at once after the loss of a link, and not only after a wait.
    ///
    /// Each call takes one link from the reconnect budget: call it once for each lost link.
    package func mayReconnectNow() -> Bool { reconnectBudget.take(at: environment.loop.now) }

    /// The reconnect budget: the number of links that may be lost before there is a wait.
    ///
    /// Larger: two ends whose links are cut as soon as they are established reconnect in a busy loop. Smaller: a line that is
    /// often cut but carries data becomes slow.
    static let reconnectBurst = 64
    /// The number of links that the budget gains each second.
    static let reconnectsPerSecond = 2

    /// Sets the options of the socket and makes the session its handler.
    func adopt(_ socket: StreamSocket) {
        if !remote.isUnix { socket.becomeLink(maxUnsent: Self.unsentBytes, timeout: keepAliveTimeout) }
        socket.handler = self
    }

    /// The link is lost, and the session waits for another one.
    func detached(_ fault: LinkFault) {
        detachedAt = environment.loop.now
        hasLostLink = true
        interruptedStreams = core.streamCount
        socket?.close()
        socket = nil
        partial.clear()
        // Until `deliver()`, endpoints may still refer to bytes of the partial record: its memory stays.
        if touched.isEmpty { partial.rest() }
        preamble = []
        wantsRead = false
        note(.detached(fault))
    }

    /// Checks the link after a change in the network.
    ///
    /// A link whose local address or route is gone is lost at once. On any other link the session starts a liveness check; the
    /// link is lost if the peer does not answer soon.
    package func networkChanged() {
        guard core.isAttached, let socket, !remote.isUnix else { return }
        guard socket.hasRoute(to: remote) else {
            linkEnded(.unrouted)
            return
        }
        core.checkLiveness(at: environment.loop.now)
        flushSoon()
        armTimer()
    }
}
