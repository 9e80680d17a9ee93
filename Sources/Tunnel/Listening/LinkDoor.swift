import EventIO

/// Accepts links on one worker and distributes them evenly over all workers.
///
/// Confined to its loop's thread.
final class LinkDoor {
    private let acceptSide: AcceptSide
    private let admission: Admission
    private let workers: WorkerTable
    private let refusals: RefusalLog
    private var turn = 0

    init(_ acceptSide: AcceptSide, admission: Admission, workers: WorkerTable, refusals: RefusalLog) {
        self.acceptSide = acceptSide
        self.admission = admission
        self.workers = workers
        self.refusals = refusals
    }

    /// Passes on a link that a listener of this worker accepted.
    func accepted(_ connection: DetachedSocket) {
        if let limit = admission.admitLink() {
            connection.reset()
            refusals.limitReached(limit.rawValue)
            return
        }
        if let other = workers.next(turn) {
            other.mailbox.send(.link(connection))
        } else {
            acceptSide.accept(connection)
        }
        turn += 1
    }
}
