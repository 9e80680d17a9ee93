import EventIO
import ProtocolCore

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
    package struct Reattachment: Sendable {
        /// How long it had no link, in nanoseconds.
        package let gap: UInt64
        /// How many bytes are sent again.
        package let resentBytes: Int
    }

    /// Whether the session has a link now.
    package var isAttached: Bool { core.isAttached }

    /// Whether the peer has everything that was said on streams, as far as this can be known.
    package var isSettled: Bool { core.isSettled || !core.isResumable }

    /// Whether the session goes on when its link is lost.
    package var isResumable: Bool { core.isResumable }

    /// What the session is found and proved by on another link.
    var proof: SessionProof { core.proof }

    /// How many records have been received since the session began.
    var receivedRecords: UInt64 { core.receivedRecords }

    /// The number and the count that the client's next try begins with.
    func beginReattaching(random: [UInt8]) -> ClientReattachment {
        ClientReattachment(
            core.proof,
            attempt: core.nextAttempt(),
            received: core.receivedRecords,
            random: random
        )
    }

    /// Takes the session to another link; one that there still is counts as lost.
    func attach(_ arrival: Arrival) {
        if core.isAttached {
            core.linkEnded(.replaced, at: environment.now)
            takeEvents()
        }
        let gap = environment.loop.now &- detachedAt
        let resent: Int
        do throws(ProtocolViolation) {
            resent = try core.reattach(received: arrival.peerReceived, at: environment.now)
        } catch {
            // The core has said so itself.
            arrival.socket.close()
            takeEvents()
            return
        }
        guard core.isOpen else {
            arrival.socket.close()
            return
        }
        socket = arrival.socket
        remote = arrival.remote
        preamble = arrival.preamble
        hasLostLink = false
        adopt(arrival.socket)
        owner?.session(self, reattached: Reattachment(gap: gap, resentBytes: resent))
        start(received: arrival.records)
    }

    /// Makes the socket the session's own.
    func adopt(_ socket: StreamSocket) {
        if !remote.isUnix {
            SocketOptions.limitUnsent(socket.descriptor, bytes: Self.unsentBytes)
            SocketOptions.userTimeout(socket.descriptor, keepAliveTimeout)
        }
        socket.handler = self
    }

    /// The link is gone, and the session waits for another one.
    func detached(_ fault: LinkFault) {
        detachedAt = environment.loop.now
        hasLostLink = true
        interruptedStreams = core.streamCount
        socket?.close()
        socket = nil
        carried = []
        preamble = []
        wantsRead = false
        owner?.session(self, detached: SessionEndReason(.linkLost(fault)))
    }

    /// No other link will come: the session is over.
    package func abandon() {
        core.abandon()
        takeEvents()
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
        core.expectSignOfLife(at: environment.now)
        flushSoon()
        armTimer()
    }
}
