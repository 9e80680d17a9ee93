import SecureLink
import Synchronization

/// Whether a peer is up, for the whole process: each worker has links of its own, but the log reports a change once.
final class PeerStatus: Sendable {
    private struct State {
        var sessions = 0
        /// The status in the last log line; `nil` before the first line.
        var toldUp: Bool?
        var toldFailure: LinkFailure?
    }

    private let state = Mutex(State())

    /// A session came up.
    ///
    /// - Returns: whether to log that the peer is up: the last log line does not say so already.
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

    /// A login has failed.
    ///
    /// - Returns: whether to log the failure: no session is up, and the last log line does not say the same.
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
