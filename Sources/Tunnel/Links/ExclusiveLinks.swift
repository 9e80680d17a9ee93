import Basics
import EventIO
import SecureLink

/// Sessions for routes that do not share: each carries one stream at a time.
///
/// Some stand ready, and one that has been silent for too long is not handed out before the peer has given a
/// sign of life.
struct ExclusiveLinks {
    private var ready: [PeerSession] = []
    private var taken: [PeerSession] = []
    /// How many streams wait for one.
    var demand = 0
    /// Whether any route wants such sessions.
    private let isUsed: Bool
    private let freshness: Duration

    /// How many stand ready when nobody waits: a visitor and the one right behind it.
    private static let spare = 2
    /// How many are kept after a rush.
    private static let maxReady = 8

    init(keepAlive: Duration, isUsed: Bool) {
        self.isUsed = isUsed
        // A session that has missed one keep-alive is suspect.
        freshness = keepAlive * 2
    }

    var count: Int { ready.count + taken.count }
    var all: [PeerSession] { ready + taken }

    /// Whether another session should be dialled; those that may never get a link again do not count.
    func wantsAnother(_ isDoubtful: (PeerSession) -> Bool) -> Bool {
        isUsed && ready.count { !isDoubtful($0) } < max(Self.spare, min(demand, Self.maxReady))
    }

    mutating func add(_ session: PeerSession) {
        ready.append(session)
    }

    mutating func remove(_ session: PeerSession) {
        ready.removeAll { $0 === session }
        taken.removeAll { $0 === session }
    }

    /// Takes a session that has lately given a sign of life; the one used last, which is the surest to be alive.
    mutating func take(at now: Instant) -> PeerSession? {
        guard
            let index = ready.lastIndex(where: {
                $0.canOpen && now.duration(since: $0.lastReceived) < freshness
            })
        else {
            for session in ready { session.ping() }
            return nil
        }
        let session = ready.remove(at: index)
        taken.append(session)
        return session
    }

    /// The stream on a session is over: it can carry the next one.
    ///
    /// - Returns: what is to be done with the session; `nil` when it is not one of these.
    mutating func returned(_ session: PeerSession) -> Return? {
        guard let index = taken.firstIndex(where: { $0 === session }) else { return nil }
        taken.remove(at: index)
        guard !session.isSpent, ready.count < Self.maxReady else { return .close }
        ready.append(session)
        return .keep
    }

    /// What becomes of a session whose stream is over.
    ///
    /// Closing it is up to the caller: it calls back.
    enum Return {
        case keep
        case close
    }

    /// Sessions that can carry nothing any more, or that nobody will need.
    var useless: [PeerSession] {
        let isAttached = ready.filter(\.isAttached)
        return ready.filter(\.isSpent) + isAttached.dropLast(Self.maxReady)
    }
}
