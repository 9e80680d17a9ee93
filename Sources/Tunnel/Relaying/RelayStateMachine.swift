import Basics
import SecureLink
import Vocabulary

/// Decides when a relay begins to move bytes, when each direction ends, and how the relay ends as a whole.
///
/// ```
/// visitor: waitingForSession ──session──────┐
///                                           ├──► joined(outward, inward) ──both finished──► over
/// target:  connecting ──target answered─────┘         │
///             └──────────── failure, reset, time ─────┴──► over
/// ```
/// Outward is from the socket to the stream, inward from the stream to the socket. Pure: events go in, one action comes out, and
/// no call allocates.
struct RelayStateMachine {
    /// The state of one direction.
    enum Direction {
        case open
        /// The end has arrived, but bytes before it still wait for the socket.
        case ending
        case finished
    }

    /// The relay's next step.
    enum Action: Equatable {
        case nothing
        /// Close the socket for writing: nothing more comes from the stream.
        case shutDownSocket
        /// Call ``turnEnded()`` at the turn's end: the session has to process the stream's end first.
        case awaitTurnEnd
        /// Close the socket; both directions were closed normally.
        case finish(RelayOutcome)
        /// Reset the socket; if there is a failure, also reset the stream with it.
        case abort(RelayOutcome, reset: StreamFailure?)
        /// Release the stream: the peer needs nothing more, and its last bytes only wait for the socket.
        case releaseStream
    }

    private enum State {
        /// The visitor waits for a session that takes its stream.
        case waitingForSession(isHeldUpByLimit: Bool)
        /// The target is being connected; the peer may already have sent everything.
        case connecting(inward: Direction)
        case joined(outward: Direction, inward: Direction)
        case over
    }

    /// The plaintext side of this relay: the visitor or the target.
    let side: Party
    private var state: State
    /// The side that ended its direction first.
    private var firstEnd: Party?
    /// Whether the peer has reported that its target is connected; only at the visitor's side.
    private var hasTarget = false
    /// The peer's reason why its target is not connected; only at the visitor's side.
    private var targetFailure: StreamFailure?

    /// The relay of a visitor, which waits for a session.
    static var visitor: RelayStateMachine {
        RelayStateMachine(side: .visitor, state: .waitingForSession(isHeldUpByLimit: false))
    }

    /// The relay of a target, which is not connected yet.
    static var target: RelayStateMachine {
        RelayStateMachine(side: .target, state: .connecting(inward: .open))
    }

    private init(side: Party, state: State) {
        self.side = side
        self.state = state
    }

    /// This end of the tunnel.
    var ownEnd: Party { side == .visitor ? .opener : .acceptor }

    /// Whether the relay is over, and waits for nothing.
    var isOver: Bool {
        if case .over = state { true } else { false }
    }

    /// Whether the relay has both a socket and a stream.
    var isJoined: Bool {
        if case .joined = state { true } else { false }
    }

    /// Whether bytes may be read from the socket.
    var readsSocket: Bool {
        if case .joined(.open, _) = state { true } else { false }
    }

    /// Whether bytes of the stream are still expected.
    var takesBytes: Bool {
        switch state {
        case .connecting(.open), .joined(_, .open): true
        case .waitingForSession, .connecting, .joined, .over: false
        }
    }

    /// Whether one direction has ended and the other has not.
    var isHalfClosed: Bool {
        guard case .joined(let outward, let inward) = state else { return false }
        return outward == .finished || inward == .finished
    }
}

// MARK: - Joining

extension RelayStateMachine {
    /// A session carries the visitor's stream.
    mutating func sessionFound() {
        if case .waitingForSession = state { state = .joined(outward: .open, inward: .open) }
    }

    /// There is a session, but its peer allows no more streams.
    mutating func heldUpByLimit() {
        if case .waitingForSession = state { state = .waitingForSession(isHeldUpByLimit: true) }
    }

    /// The target is connected.
    mutating func targetConnected() {
        if case .connecting(let inward) = state { state = .joined(outward: .open, inward: inward) }
    }

    /// No address of the target accepted a connection.
    mutating func targetUnreachable(_ failure: StreamFailure) -> Action {
        guard case .connecting = state else { return .nothing }
        return abort(.notConnected(failure), by: .target, reset: failure)
    }

    /// The peer reports whether its target is connected.
    mutating func targetAnswered(_ failure: StreamFailure?) {
        targetFailure = failure
        if failure == nil { hasTarget = true }
    }
}

// MARK: - Ending normally

extension RelayStateMachine {
    /// The visitor or the target has closed its direction of the connection.
    mutating func socketEnded() -> Action {
        guard case .joined(.open, let inward) = state else { return .nothing }
        state = .joined(outward: .finished, inward: inward)
        if firstEnd == nil { firstEnd = side }
        return inward == .finished ? .awaitTurnEnd : .nothing
    }

    /// The peer has sent the stream's end.
    ///
    /// - Parameter isDelivered: whether the socket has taken every byte before it.
    /// - Returns: the relay's next step.
    mutating func streamEnded(isDelivered: Bool) -> Action {
        switch state {
        case .connecting(.open): state = .connecting(inward: .ending)
        case .joined(let outward, .open): state = .joined(outward: outward, inward: .ending)
        case .waitingForSession, .connecting, .joined, .over: return .nothing
        }
        if firstEnd == nil { firstEnd = side.opposite }
        return isDelivered ? delivered() : .nothing
    }

    /// The socket has taken every byte that came.
    mutating func delivered() -> Action {
        guard case .joined(let outward, .ending) = state else { return .nothing }
        state = .joined(outward: outward, inward: .finished)
        return outward == .finished ? finish() : .shutDownSocket
    }

    /// The turn in which the socket ended is over.
    mutating func turnEnded() -> Action {
        guard case .joined(.finished, .finished) = state else { return .nothing }
        return finish()
    }

    private mutating func finish() -> Action {
        state = .over
        return .finish(RelayOutcome(ending: .finished, by: firstEnd ?? side))
    }
}

// MARK: - Ending early

extension RelayStateMachine {
    /// The peer reset the stream.
    mutating func streamReset(_ failure: StreamFailure) -> Action {
        let (ending, party): (Ending, Party) =
            switch failure {
            case .peerReset: (.reset, side.opposite)
            case .timeout where hasTarget || side == .target: (.idle, ownEnd.opposite)
            // The reset says that the target was not connected; the report before it said why.
            case .timeout, .refused, .unreachable, .unresolved:
                (.notConnected(targetFailure ?? failure), .target)
            case .noService, .forbidden: (.notConnected(failure), .acceptor)
            case .limit: (.notConnected(failure), ownEnd.opposite)
            case .shutdown: (.shutdown, ownEnd.opposite)
            case .cancelled, .notProcessed, .unknown: (.cutOff(failure), ownEnd.opposite)
            }
        return abort(ending, by: party, reset: nil)
    }

    /// The connection to the visitor or the target broke: the peer gets a reset, not an end.
    mutating func socketBroken() -> Action {
        abort(.reset, by: side, reset: .peerReset)
    }

    /// The session is over, and the stream with it.
    mutating func sessionEnded(_ end: SessionEnd) -> Action {
        switch state {
        // The relay only waited for the end of the turn.
        case .joined(.finished, .finished): return finish()
        case .joined(.finished, .ending): return .releaseStream
        case .waitingForSession, .connecting, .joined, .over: break
        }
        let party: Party =
            switch end {
            case .linkLost, .notResumed: .link
            case .byPeer: ownEnd.opposite
            // The end that finds a violation closes the session, and both ends log that end in `by`.
            case .byUs, .violation: ownEnd
            }
        return abort(.sessionEnded(end), by: party, reset: nil)
    }

    /// A time limit has passed: that of the wait for a session, of the wait for the target, or of silence.
    mutating func timedOut() -> Action {
        switch state {
        case .waitingForSession(isHeldUpByLimit: true): abort(.limit, by: .acceptor, reset: nil)
        case .waitingForSession: abort(.noLink, by: .link, reset: nil)
        case .connecting: abort(.notConnected(.timeout), by: .target, reset: .timeout)
        case .joined, .over: abort(.idle, by: ownEnd, reset: .timeout)
        }
    }

    /// This end has no descriptor or watch left for the socket.
    mutating func outOfResources() -> Action {
        abort(.limit, by: ownEnd, reset: .limit)
    }

    /// This end is shutting down.
    mutating func shutDown() -> Action {
        abort(.shutdown, by: ownEnd, reset: .shutdown)
    }

    private mutating func abort(_ ending: Ending, by party: Party, reset: StreamFailure?) -> Action {
        switch state {
        case .over: return .nothing
        // Both directions have ended; only the end of the turn was to come.
        case .joined(.finished, .finished): return finish()
        case .waitingForSession, .connecting, .joined: break
        }
        state = .over
        return .abort(RelayOutcome(ending: ending, by: party), reset: reset)
    }
}
