import Basics
import EventIO
import SecureLink
import Vocabulary

/// Serves the clients of one worker: accepts links, makes sessions of those that prove a password, and keeps each session for a
/// client that comes back.
///
/// Confined to its loop's thread.
final class AcceptSide {
    /// The surroundings of an ``AcceptSide``.
    struct Context {
        let environment: LinkEnvironment
        let pool: SessionPool
        let log: TunnelLog
        let refusals: RefusalLog
        let admission: Admission
        /// The process's limits on unauthenticated clients.
        let gate: HandshakeGate
        /// The process's sessions that clients may resume.
        let registry: SessionRegistry
        /// Sends messages from other threads to the sessions of this worker.
        let home: SessionRegistry.Home
    }

    private let context: Context
    private let options: LinkOptions
    private var table: PasswordTable
    private var acceptors: [ObjectIdentifier: LinkAcceptor] = [:]
    private var sessions: [ObjectIdentifier: PeerSession] = [:]
    private let resumable: ResumableSessions
    private var isDraining = false
    /// Called when a session without a link is abandoned before its peer has received everything.
    var cutOff: () -> Void = {}

    init(_ options: LinkOptions, table: PasswordTable, in context: Context) {
        self.options = options
        self.table = table
        self.context = context
        resumable = ResumableSessions(context.registry, in: context.environment, home: context.home)
    }

    /// Starts the handshake of a link that was accepted and admitted for this worker.
    func accept(_ connection: DetachedSocket) {
        let began = context.environment.loop.now
        let table = table
        let acceptor = LinkAcceptor(
            connection,
            table: table,
            options: options,
            gate: context.gate,
            registry: context.registry,
            in: context.environment
        ) { [unowned self] acceptor, result in
            acceptors[ObjectIdentifier(acceptor)] = nil
            accepted(result, by: table, began: began)
        }
        acceptors[ObjectIdentifier(acceptor)] = acceptor
        acceptor.start()
    }

    /// Handles a message from another thread for one of the sessions.
    func answer(_ call: SessionCall) {
        if resumable.answer(call) { context.admission.linkGone() }
    }

    /// Replaces the users; ends the sessions of those that were removed or have a new password.
    func use(_ table: PasswordTable) {
        let old = self.table
        self.table = table
        for session in sessions.values where !table.retains(session.user, of: old) { session.revoke() }
    }

    /// Takes no new links and streams: sends GOAWAY to the clients, and closes each session after its last stream.
    func drain() {
        isDraining = true
        dropAcceptors()
        for session in sessions.values {
            session.goAway()
            if !session.isAttached {
                abandon(session)
            } else if session.streamCount == 0 {
                session.close()
            }
        }
    }

    /// Closes links that are not authenticated yet.
    func dropAcceptors() {
        context.admission.linkGone(acceptors.count)
        acceptors = [:]
    }

    /// Ends a session without a link: the listeners are closed, so its client cannot come back.
    private func abandon(_ session: PeerSession) {
        if !session.isFullyAcknowledged { cutOff() }
        session.abandon(.shutdown)
    }

    private func accepted(_ result: AcceptanceResult, by table: PasswordTable, began: Instant) {
        switch result {
        case .session(let session):
            sessions[ObjectIdentifier(session)] = session
            context.pool.add(session, .user(session.userName), from: self)
            resumable.add(session)
            let took = context.environment.loop.now.duration(since: began)
            context.log.linkEstablished(session, peer: nil, took: took)
            if isDraining { session.close() }
            // The users may have changed during the handshake.
            if !self.table.retains(session.user, of: table) { session.revoke() }
        case .handedOver: break
        case .refused(let link):
            context.admission.linkGone()
            context.refusals.linkRefused(link)
        }
    }
}

extension AcceptSide: SessionSource {
    func streamEnded(on session: PeerSession) {
        if isDraining, session.streamCount == 0 { session.close() }
    }

    func poolChanged() {}

    func linkLost(_ session: PeerSession, _ fault: LinkFault) {
        context.admission.linkGone()
        context.log.linkLost(session, peer: nil, fault)
        if isDraining { abandon(session) } else { resumable.detached(session) }
    }

    func linkResumed(_ session: PeerSession, _ summary: PeerSession.ResumptionSummary) {
        resumable.attached(session)
        context.log.resumed(session, peer: nil, summary)
    }

    func sessionEnded(_ session: PeerSession, _ end: SessionEnd) {
        sessions[ObjectIdentifier(session)] = nil
        resumable.remove(session)
        // A link that was lost earlier has already been counted.
        if !session.hasLostLink { context.admission.linkGone() }
        context.log.sessionEnded(session, peer: nil, end)
    }
}
