import Basics
import EventIO
import SecureLink
import Vocabulary

/// Adds sessions to a pool and looks after their links: by dialling a peer, or by accepting clients.
protocol SessionSource: AnyObject {
    /// The session has lost its link.
    func linkLost(_ session: PeerSession, _ fault: LinkFault)
    /// The session has another link.
    func linkResumed(_ session: PeerSession, _ summary: PeerSession.ResumptionSummary)
    /// The session is over, and has left the pool.
    func sessionEnded(_ session: PeerSession, _ end: SessionEnd)
    /// A stream of the session is over.
    func streamEnded(on session: PeerSession)
    /// Another session may be needed, or waiting streams may be served now.
    func poolChanged()
}

/// Serves streams that the other end of a session opened.
protocol StreamServer: AnyObject {
    /// Serves a stream.
    ///
    /// - Returns: the stream's endpoint, or `nil` if the server has reset and released the stream.
    func serve(
        _ stream: LinkStream,
        for request: StreamRequest,
        on session: PeerSession
    ) -> (any StreamEndpoint)?
}

/// All sessions of one worker, by the other end: a peer that this process dials (`office`), or a user that logged in
/// (`user:alice`).
///
/// The only owner of sessions: it hands streams that the other end opens to a ``StreamServer``, and reports the events of each
/// session to its source. Confined to its loop's thread.
final class SessionPool {
    /// The other end of sessions.
    enum Key: Hashable, CustomStringConvertible {
        case peer(PeerName)
        case user(String)

        var description: String {
            switch self {
            case .peer(let name): name.text
            case .user(let name): "user:\(name)"
            }
        }
    }

    private struct Member {
        let session: PeerSession
        let key: Key
        unowned let source: any SessionSource
    }

    private var members: [ObjectIdentifier: Member] = [:]
    /// Serves the streams that users open; `nil` if this end has no services.
    weak var server: (any StreamServer)?
    /// Called when the last session is over.
    var becameEmpty: () -> Void = {}

    init() {}

    /// Adds a session.
    func add(_ session: PeerSession, _ key: Key, from source: any SessionSource) {
        members[ObjectIdentifier(session)] = Member(session: session, key: key, source: source)
        session.owner = self
    }

    /// Whether there is no session.
    var isEmpty: Bool { members.isEmpty }

    /// All sessions.
    var sessions: [PeerSession] { members.values.map(\.session) }

    /// Whether a peer has not yet acknowledged everything that was sent to it, also on streams that are over.
    var hasUnacknowledged: Bool { members.values.contains { !$0.session.isFullyAcknowledged } }

    /// A stream of the session is over.
    func streamEnded(on session: PeerSession) {
        members[ObjectIdentifier(session)]?.source.streamEnded(on: session)
    }

    /// Closes all sessions at the turn's end, with the streams that they still have.
    func closeAll() {
        for member in members.values { member.session.closeAtOnce() }
    }

    /// The network has changed: links may be dead.
    func networkChanged() {
        for member in members.values { member.session.networkChanged() }
    }

    /// Checks the sessions; called a few times a second.
    func look(mayGrow: Bool) {
        for member in members.values {
            member.session.mayGrow = mayGrow
            member.session.rest()
        }
    }
}

extension SessionPool: PeerSessionOwner {
    func session(
        _ session: PeerSession,
        opened stream: LinkStream,
        for request: StreamRequest
    ) -> (any StreamEndpoint)? {
        // Services are for users that log in here. In this version, a peer that this end dials cannot open streams.
        if let member = members[ObjectIdentifier(session)], case .user = member.key, let server {
            return server.serve(stream, for: request, on: session)
        }
        stream.reset(.noService)
        stream.release()
        return nil
    }

    func session(_ session: PeerSession, _ notice: SessionNotice) {
        guard let member = members[ObjectIdentifier(session)] else { return }
        switch notice {
        case .goesAway:
            if session.streamCount == 0 { session.close() }
            member.source.poolChanged()
        case .measured: member.source.poolChanged()
        case .detached(let fault): member.source.linkLost(session, fault)
        case .resumed(let summary): member.source.linkResumed(session, summary)
        case .ended(let end):
            members[ObjectIdentifier(session)] = nil
            member.source.sessionEnded(session, end)
            if members.isEmpty { becameEmpty() }
        }
    }
}
