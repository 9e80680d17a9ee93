import Basics
import CryptoPrimitives
package import EventIO
import ProtocolCore
import Synchronization
import Vocabulary

/// A call of another thread to the loop of a session.
package struct SessionCall: Sendable {
    enum Matter: Sendable {
        /// A link has arrived whose client has proved that it has the session.
        case resume(DetachedSocket, ResumptionRequest)
        /// The session has no link, and has to end to make room.
        case expire(Abandonment)
    }

    let session: SessionID
    let matter: Matter
}

/// The sessions of the process that clients may resume, with their loops.
///
/// The process has one registry, which all threads share: a loop that accepts a link finds the session's loop. Threads call it
/// for each link that is accepted or lost, never for each byte.
package final class SessionRegistry: Sendable {
    /// Passes a call to the loop of a session, from any thread.
    package typealias Home = @Sendable (SessionCall) -> Void

    fileprivate struct Entry {
        let proof: SessionProof
        let user: String
        let home: Home
        /// The number of the last attempt that was admitted: a replayed hello has no larger number, and is refused.
        var attempt: UInt64 = 0
        /// The moment when its link was lost; `nil` while it has one.
        var detachedAt: Instant?
    }

    fileprivate struct State {
        var entries: [SessionID: Entry] = [:]
        var detachedPerUser: [String: Int] = [:]
    }

    private let state = Mutex(State())
    /// The proof against which requests for unknown sessions are checked, so that they take as long as those for known ones.
    private let standIn: SessionProof

    /// The maximum number of sessions of one user that wait for a link at the same time.
    ///
    /// Each may hold its log and the windows of its streams. A user who reaches this number has that many machines, or a
    /// network that fails for longer than it takes to make new sessions. Larger: one user can hold more memory. Smaller: a
    /// user with many machines loses sessions.
    static let maxDetachedPerUser = 64

    /// An empty registry.
    package init() throws(SystemFailure) {
        do throws(CryptoFailure) {
            let name = try SystemRandom.bytes(count: SessionID.count)
            // Both lengths are the same constant.
            guard let id = name.withUnsafeBytes(SessionID.init) else { preconditionFailure("sixteen bytes") }
            standIn = SessionProof(
                id: id,
                suite: .encrypted,
                client: try SystemRandom.secretBytes(count: 64),
                server: try SystemRandom.secretBytes(count: 64)
            )
        } catch {
            throw SystemFailure("random bytes", code: 0)
        }
    }

    /// A session has begun that clients may resume.
    func add(_ proof: SessionProof, user: String, home: @escaping Home) {
        state.withLock { $0.entries[proof.id] = Entry(proof: proof, user: user, home: home) }
    }

    /// A session is over.
    func remove(_ id: SessionID) {
        state.withLock { state in
            guard let entry = state.entries.removeValue(forKey: id) else { return }
            if entry.detachedAt != nil { state.count(entry.user, -1) }
        }
    }

    /// A session has lost its link; if its user has too many sessions without one, the session that has waited longest is ended.
    func detached(_ id: SessionID, at now: Instant) {
        let excess = state.withLock { state -> (SessionID, Home)? in
            guard let entry = state.entries[id], entry.detachedAt == nil else { return nil }
            state.entries[id]?.detachedAt = now
            state.count(entry.user, 1)
            guard state.detachedPerUser[entry.user, default: 0] > Self.maxDetachedPerUser else { return nil }
            return state.oldest { $0.user == entry.user }
        }
        if let (id, home) = excess { home(SessionCall(session: id, matter: .expire(.tooManyWaiting))) }
    }

    /// A session has a link again.
    func attached(_ id: SessionID) {
        state.withLock { state in
            guard let entry = state.entries[id], entry.detachedAt != nil else { return }
            state.entries[id]?.detachedAt = nil
            state.count(entry.user, -1)
        }
    }

    /// Ends the session that has waited longest for a link, to make room.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    package func expireOldest() -> Bool {
        let oldest = state.withLock { $0.oldest { _ in true } }
        if let (id, home) = oldest { home(SessionCall(session: id, matter: .expire(.memory))) }
        return oldest != nil
    }

    /// The number of sessions that wait for a link.
    package var detachedCount: Int {
        state.withLock { $0.detachedPerUser.values.reduce(0, +) }
    }

    /// Admits a hello that asks for a session, if it proves the session and was not seen before.
    ///
    /// Unknown sessions, wrong proofs and replays take the same time and get the same answer.
    ///
    /// - Returns: the way to the session's loop, or `nil` if the hello is not admitted.
    func admit(_ request: ResumptionRequest) -> Home? {
        let proof = state.withLock { $0.entries[request.session]?.proof }
        guard request.isProved(by: proof ?? standIn) else { return nil }
        return state.withLock { state in
            guard let entry = state.entries[request.session], request.attempt > entry.attempt else {
                return nil
            }
            state.entries[request.session]?.attempt = request.attempt
            return entry.home
        }
    }
}

extension SessionRegistry.State {
    fileprivate mutating func count(_ user: String, _ change: Int) {
        let sum = detachedPerUser[user, default: 0] + change
        detachedPerUser[user] = sum > 0 ? sum : nil
    }

    /// The session that has waited longest; it is not chosen again.
    fileprivate mutating func oldest(
        where isMeant: (SessionRegistry.Entry) -> Bool
    ) -> (SessionID, SessionRegistry.Home)? {
        let waiting = entries.filter { $0.value.detachedAt != nil && isMeant($0.value) }
        guard let found = waiting.min(by: { $0.value.detachedAt ?? .start < $1.value.detachedAt ?? .start })
        else {
            return nil
        }
        entries[found.key]?.detachedAt = nil
        count(found.value.user, -1)
        return (found.key, found.value.home)
    }
}
