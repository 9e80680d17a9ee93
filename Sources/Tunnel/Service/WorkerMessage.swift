import EventIO
import SecureLink

/// A message to a worker from another thread.
enum WorkerMessage: Sendable {
    /// All workers are there: begin, with these listeners.
    case begin(WorkerTable, [ListenerAssignment])
    /// A visitor that another worker accepted.
    case visitor(RouteName, DetachedSocket)
    /// A visitor that the program itself brings; its end is reported.
    case ownVisitor(RouteName, DetachedSocket)
    /// A link that another worker accepted.
    case link(DetachedSocket)
    /// A message about a session that lives on this worker.
    case session(SessionCall)
    /// Links, addresses or routes of the machine have changed.
    case networkChanged
    /// The users from now on.
    case passwords(PasswordTable)
    /// Take nothing new; what there is goes on.
    case drain
    /// End at once.
    case stop
}

/// A worker's report to the service.
enum WorkerReport: Sendable {
    /// The worker's loop runs.
    case started(WorkerHandle)
    /// The worker has begun.
    case ready
    /// The worker cannot do without something that the system refuses.
    case failed(SystemFailure)
    /// While draining: the last stream and the last session are over.
    case drained
    /// It is known whether a peer can be reached; the failure, if it cannot.
    case tried(PeerName, LinkFailure?)
    /// The stream of the program's own visitor has ended.
    case ownVisitorEnded(StreamSummary)
    /// The worker's loop has ended.
    ///
    /// `cutOff`: whether a stream was cut off, or a peer may not have everything that was sent on one.
    case ended(cutOff: Bool)
}
