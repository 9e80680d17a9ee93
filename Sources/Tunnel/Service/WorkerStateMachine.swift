/// Decides how a worker ends: gradually, or at once.
///
/// ```
/// running ──drain──► draining ──empty──► drained ──stop──► stopping ──quiet──► over
///    └───────────stop────┴──────────────────────────────────▲
/// ```
/// Pure: events go in, actions come out.
struct WorkerStateMachine {
    /// A step of the worker; it performs the steps in the order given.
    enum Action: Equatable {
        /// Close the listeners, send GOAWAY, and end streams that do not move bytes yet.
        case takeNothingNew
        /// Report that the last stream and the last session are over.
        case reportDrained
        /// Close the listeners and end every stream and session; at the turn's end, call ``turnAfterEndingAll(isQuiet:)``.
        case endAll
        /// End the loop.
        case stopLoop
    }

    private enum State {
        case running
        case draining
        case drained
        case stopping
        case over
    }

    private var state = State.running
    /// Whether a stream was cut off, or a peer may not have received everything that was sent on one.
    private(set) var hasCutOff = false

    init() {}

    /// Whether new streams are refused.
    var isDraining: Bool { state != .running }

    /// Begins to drain: the worker accepts nothing new.
    mutating func drain() -> [Action] {
        guard state == .running else { return [] }
        state = .draining
        return [.takeNothingNew]
    }

    /// A stream or a session is over.
    ///
    /// - Parameter isEmpty: whether there is no stream and no session any more.
    /// - Returns: the worker's next steps.
    mutating func ended(isEmpty: Bool) -> [Action] {
        guard state == .draining, isEmpty else { return [] }
        state = .drained
        return [.reportDrained]
    }

    /// A stream ended with its session, or a session was abandoned before its peer had acknowledged everything.
    mutating func cutOff() {
        if state == .draining || state == .drained { hasCutOff = true }
    }

    /// Stops the worker at once.
    ///
    /// - Parameter cutsOff: whether there is a stream, or a peer that may not have received everything that was sent.
    /// - Returns: the worker's next steps.
    mutating func stop(cutsOff: Bool) -> [Action] {
        switch state {
        case .running, .draining, .drained:
            state = .stopping
            if cutsOff { hasCutOff = true }
            return [.endAll]
        case .stopping, .over: return []
        }
    }

    /// The turn that ended all streams and sessions is over, or the last link has written its final bytes.
    ///
    /// - Parameter isQuiet: whether no link has final bytes left to write. While one has, the worker waits, unless something was
    ///   cut off; each link limits this wait.
    /// - Returns: the worker's next steps.
    mutating func turnAfterEndingAll(isQuiet: Bool) -> [Action] {
        guard state == .stopping, isQuiet || hasCutOff else { return [] }
        state = .over
        return [.stopLoop]
    }
}
