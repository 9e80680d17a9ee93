import EventIO
import SecureLink

/// A message to a worker from another thread.
enum WorkerMessage: Sendable {
    /// All workers have started: begin, with these listeners.
    case begin(WorkerTable, [ListenerAssignment])
    /// A visitor that another worker accepted.
    case visitor(RouteName, DetachedSocket)
    /// A visitor that the program itself supplies; the worker reports the end of its stream.
    case ownVisitor(RouteName, DetachedSocket)
    /// A link that another worker accepted.
    case link(DetachedSocket)
    /// A message about a session that lives on this worker.
    case session(SessionCall)
    /// Network interfaces, addresses or routes of the machine have changed.
    case networkChanged
    /// The users that may log in from now on.
    case passwords(PasswordTable)
    /// Accept nothing new; existing streams continue.
    case drain
    /// Stop at once.
    case stop
}

/// A worker's report to the service.
enum WorkerReport: Sendable {
    /// The worker's loop runs.
    case started(WorkerHandle)
    /// The worker has begun.
    case ready
    /// The system refused something that the worker needs.
    case failed(SystemFailure)
    /// While draining: the last stream and the last session are over.
    case drained
    /// The first login to a peer has succeeded, or failed with this failure.
    case tried(PeerName, LinkFailure?)
    /// The stream of the program's own visitor has ended.
    case ownVisitorEnded(StreamSummary)
    /// The worker's loop has ended.
    ///
    /// `cutOff`: whether a stream was cut off, or a peer may not have received everything that was sent on one.
    case ended(cutOff: Bool)
}
