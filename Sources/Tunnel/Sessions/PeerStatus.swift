import SecureLink
import Synchronization

/// Whether a peer is up, for the whole process: its workers each have links of their own, but the log tells the change once.
final class PeerStatus: Sendable {
    private struct State {
        var sessions = 0
        /// What the log was last told; `nil` before it was told anything.
        var toldUp: Bool?
        var toldFailure: LinkFailure?
    }

    private let state = Mutex(State())

    /// A session came up.
    ///
    /// - Returns: whether the peer was down before.
    func sessionUp() -> Bool {
        state.withLock { state in
            state.sessions += 1
            state.toldFailure = nil
            defer { state.toldUp = true }
            return state.toldUp != true
        }
    }

    /// A session is over.
    func sessionDown() {
        state.withLock { $0.sessions -= 1 }
    }

    /// An attempt has failed.
    ///
    /// - Returns: whether the log should be told: nothing else is up, and this is another failure than the last.
    func failed(_ failure: LinkFailure) -> Bool {
        state.withLock { state in
            guard state.sessions == 0 else { return false }
            defer {
                state.toldUp = false
                state.toldFailure = failure
            }
            return state.toldUp != false || state.toldFailure != failure
        }
    }

    /// Whether there is a session.
    var isUp: Bool { state.withLock { $0.sessions > 0 } }
}
