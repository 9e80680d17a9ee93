import CryptoPrimitives
import EventIO
import ProtocolCore

/// The sessions of one loop that clients may resume, and the calls of other threads for them.
///
/// It is confined to its loop's thread.
package final class ResumableSessions {
    private let registry: SessionRegistry
    private let environment: LinkEnvironment
    private let home: SessionRegistry.Home
    private var sessions: [SessionID: Entry] = [:]

    private struct Entry {
        let session: PeerSession
        /// The number of the last attempt that arrived here: another loop may have accepted a later one and handed it over
        /// earlier.
        var attempt: UInt64 = 0
        var reconnectBudget: TokenBucket
    }

    /// The number of links that a session may move to without a wait.
    ///
    /// A session that loses its link more often carries no data. Each resumption costs two log lines, and the server sends all
    /// records that the client has not acknowledged again. This number and the next are larger than those that the client allows
    /// itself (``PeerSession/mayReconnectNow()``).
    private static let reconnectBurst = 128
    /// The number of further links that a session may move to each second.
    private static let reconnectsPerSecond = 8

    /// No sessions yet.
    ///
    /// - Parameters:
    ///   - registry: the sessions of the process.
    ///   - environment: the loop of these sessions.
    ///   - home: passes a call from any other thread to ``answer(_:)`` on the loop's thread.
    package init(
        _ registry: SessionRegistry,
        in environment: LinkEnvironment,
        home: @escaping SessionRegistry.Home
    ) {
        self.registry = registry
        self.environment = environment
        self.home = home
    }

    /// A session has begun.
    package func add(_ session: PeerSession) {
        guard session.isResumable else { return }
        sessions[session.proof.id] = Entry(
            session: session,
            reconnectBudget: TokenBucket(
                capacity: Self.reconnectBurst,
                perSecond: Self.reconnectsPerSecond,
                at: environment.loop.now
            )
        )
        registry.add(session.proof, user: session.userName, home: home)
    }

    /// A session is over.
    package func remove(_ session: PeerSession) {
        guard sessions.removeValue(forKey: session.proof.id) != nil else { return }
        registry.remove(session.proof.id)
    }

    /// A session has lost its link: its client may resume it.
    package func detached(_ session: PeerSession) {
        registry.detached(session.proof.id, at: environment.loop.now)
    }

    /// A session has another link.
    package func attached(_ session: PeerSession) {
        registry.attached(session.proof.id)
    }

    /// Carries out a call of another thread.
    ///
    /// - Returns: whether a link was rejected, because its session was over before it arrived or did not take it.
    package func answer(_ call: SessionCall) -> Bool {
        switch call.matter {
        case .expire(let cause):
            sessions[call.session]?.session.abandon(cause)
            return false
        case .resume(let connection, let request):
            let remote = connection.remote
            let socket = StreamSocket(connection, loop: environment.loop)
            if let refusal = refusal(of: request) {
                let message = refusal.encoded()
                _ = message.withUnsafeBytes { socket.write($0) }
                socket.close()
                return true
            }
            return !attach(socket, from: remote, request)
        }
    }

    /// The rejection of a proved request; `nil` if the request is accepted.
    private func refusal(of request: ResumptionRequest) -> Reject? {
        guard var entry = sessions[request.session], request.attempt > entry.attempt else {
            return Reject(code: .noSession)
        }
        entry.attempt = request.attempt
        let isInTime = entry.reconnectBudget.take(at: environment.loop.now)
        sessions[request.session] = entry
        return isInTime ? nil : Reject(code: .busy, retryAfterSeconds: 1)
    }

    private func attach(
        _ socket: StreamSocket,
        from remote: SocketAddress,
        _ request: ResumptionRequest
    ) -> Bool {
        guard let session = sessions[request.session]?.session else { return false }
        do {
            let random = try SystemRandom.bytes(count: 32)
            try socket.start(session)
            return session.attach(
                PeerSession.Arrival(
                    socket: socket,
                    remote: remote,
                    peerReceived: request.received,
                    preamble: request.answer(
                        with: session.proof,
                        received: session.receivedRecords,
                        random: random
                    ),
                    records: []
                )
            )
        } catch {
            // Out of descriptors or of random bytes: the client will try again.
            socket.close()
            return false
        }
    }
}
