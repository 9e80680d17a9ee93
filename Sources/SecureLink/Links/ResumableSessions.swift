import CryptoPrimitives
import EventIO
import ProtocolCore

/// The sessions of one loop that clients may come back to, and what other threads say to them.
///
/// Confined to its loop's thread.
package final class ResumableSessions {
    private let registry: SessionRegistry
    private let environment: LinkEnvironment
    private let home: SessionRegistry.Home
    private var sessions: [SessionID: PeerSession] = [:]

    /// Knows no session yet.
    ///
    /// - Parameters:
    ///   - registry: the process's sessions.
    ///   - environment: the loop that these live on.
    ///   - home: brings a call to ``answer(_:)`` on the loop's thread, from any other.
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
        sessions[session.proof.id] = session
        registry.add(session.proof, user: session.userName, home: home)
    }

    /// A session is over.
    package func remove(_ session: PeerSession) {
        guard sessions.removeValue(forKey: session.proof.id) != nil else { return }
        registry.remove(session.proof.id)
    }

    /// A session has lost its link: its client may come back.
    package func detached(_ session: PeerSession) {
        registry.detached(session.proof.id, at: environment.loop.now)
    }

    /// A session has another link.
    package func attached(_ session: PeerSession) {
        registry.attached(session.proof.id)
    }

    /// Does what another thread asks for.
    ///
    /// - Returns: whether a link came to nothing, because the session was over before it arrived.
    package func answer(_ call: SessionCall) -> Bool {
        let session = sessions[call.session]
        switch call.matter {
        case .expire:
            session?.abandon()
            return false
        case .reattach(let descriptor, let remote, let request):
            let socket = StreamSocket(adopting: descriptor, loop: environment.loop)
            guard let session else {
                let message = Reject(code: .noSession).encoded()
                _ = message.withUnsafeBytes { socket.write($0) }
                socket.close()
                return true
            }
            do {
                let random = try SystemRandom.bytes(count: 32)
                try socket.start(session)
                session.attach(
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
                return socket.isClosed
            } catch {
                // Out of descriptors or of random bytes: the client will come again.
                socket.close()
                return true
            }
        }
    }
}
