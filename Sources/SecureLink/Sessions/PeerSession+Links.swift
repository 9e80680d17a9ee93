import Basics
import EventIO
import ProtocolCore
import Vocabulary

// How a session loses its link and is taken to another one.

extension PeerSession {
    /// A link that a session is taken to.
    struct Arrival {
        /// The connection, past the peer's part of the handshake; not registered with its loop, or with another handler.
        let socket: StreamSocket
        /// Where it goes.
        let remote: SocketAddress
        /// How many records the peer has received.
        let peerReceived: UInt64
        /// What goes out before the first record.
        let preamble: [UInt8]
        /// What has come behind the handshake.
        let records: [UInt8]
    }

    /// What happened when the session was taken to another link.
    package struct ResumptionSummary: Sendable {
        /// How long it had no link.
        package let gap: Duration
        /// How many bytes are sent again.
        package let resentBytes: Int
    }

    /// Whether the session has a link now.
    package var isAttached: Bool { core.isAttached }

    /// Whether the peer has everything that was said on streams, as far as this can be known.
    package var isFullyAcknowledged: Bool { core.isFullyAcknowledged || !core.isResumable }

    /// Whether the session goes on when its link is lost.
    package var isResumable: Bool { core.isResumable }

    /// What the session is found and proved by on another link.
    var proof: SessionProof { core.proof }

    /// How many records have been received since the session began.
    var receivedRecords: UInt64 { core.receivedRecords }

    /// The request to resume the session, with an attempt number of its own.
    func requestResumption(random: [UInt8]) -> ClientResumption {
        ClientResumption(
            core.proof,
            attempt: core.nextAttempt(),
            received: core.receivedRecords,
            random: random
        )
    }

    /// Takes the session to another link; one that there still is counts as lost.
    ///
    /// - Returns: whether the session has taken the link, if only to say its last words over it; otherwise it is closed.
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
            // The core has said so itself.
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
        // It may have been waiting for this to be closed.
        takeEvents()
        if core.isOpen { start(received: arrival.records) }
        return true
    }

    /// Whether the session may be taken to another link at once, and not only after a wait, after it has lost one again.
    ///
    /// Asked once for each link that is lost.
    package func mayReconnectNow() -> Bool { reconnectBudget.take(at: environment.loop.now) }

    /// Links that may be lost before there is a wait, and how many more each second.
    ///
    /// Fewer would slow down a line that is cut often and still carries; more would let two ends spin whose links are cut
    /// as soon as they stand.
    static let reconnectBurst = 64
    static let reconnectsPerSecond = 2

    /// Makes the socket the session's own.
    func adopt(_ socket: StreamSocket) {
        if !remote.isUnix { socket.becomeLink(maxUnsent: Self.unsentBytes, timeout: keepAliveTimeout) }
        socket.handler = self
    }

    /// The link is gone, and the session waits for another one.
    func detached(_ fault: LinkFault) {
        detachedAt = environment.loop.now
        hasLostLink = true
        interruptedStreams = core.streamCount
        socket?.close()
        socket = nil
        partial.clear()
        // Streams that have not got yet what was read out of it are served first.
        if touched.isEmpty { partial.rest() }
        preamble = []
        wantsRead = false
        note(.detached(fault))
    }

    /// Looks whether the way that the link takes is still there, after something has changed in the network.
    ///
    /// A link whose local address or route is gone is lost at once; any other is asked for a sign of life, and lost when
    /// there is none soon.
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
