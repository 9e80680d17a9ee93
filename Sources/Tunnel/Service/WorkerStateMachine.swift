/// Decides how a worker ends: gradually, or at once.
///
/// ```
/// running ──drain──► draining ──empty──► drained ──stop──► stopping ──quiet──► over
///    └───────────stop────┴──────────────────────────────────▲
/// ```
/// Pure: events go in, actions come out.
struct WorkerStateMachine {
    /// What the worker does next, in this order.
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
    /// Whether a stream was cut off, or a peer may not have everything that was sent on one.
    private(set) var hasCutOff = false

    init() {}

    /// Whether new streams are refused.
    var isDraining: Bool { state != .running }

    /// Take nothing new.
    mutating func drain() -> [Action] {
        guard state == .running else { return [] }
        state = .draining
        return [.takeNothingNew]
    }

    /// A stream or a session is over.
    ///
    /// - Parameter isEmpty: whether there is no stream and no session any more.
    /// - Returns: what the worker does next.
    mutating func ended(isEmpty: Bool) -> [Action] {
        guard state == .draining, isEmpty else { return [] }
        state = .drained
        return [.reportDrained]
    }

    /// A stream ended with its session, or a session was given up that its peer had not acknowledged.
    mutating func cutOff() {
        if state == .draining || state == .drained { hasCutOff = true }
    }

    /// End at once.
    ///
    /// - Parameter cutsOff: whether there is a stream, or a peer that may not have everything that was sent.
    /// - Returns: what the worker does next.
    mutating func stop(cutsOff: Bool) -> [Action] {
        switch state {
        case .running, .draining, .drained:
            state = .stopping
            if cutsOff { hasCutOff = true }
            return [.endAll]
        case .stopping, .over: return []
        }
    }

    /// The turn in which everything was ended is over.
    ///
    /// - Parameter isQuiet: whether no link has last bytes to write any more. They are waited for, unless something was cut off; the
    ///   links see to it that this has an end.
    /// - Returns: what the worker does next.
    mutating func turnAfterEndingAll(isQuiet: Bool) -> [Action] {
        guard state == .stopping, isQuiet || hasCutOff else { return [] }
        state = .over
        return [.stopLoop]
    }
}
