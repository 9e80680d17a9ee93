import EventIO
import SecureLink

/// The threads of the workers.
enum WorkerThreads {
    /// Starts a thread for each worker.
    ///
    /// - Parameters:
    ///   - shared: the state that the workers share.
    ///   - reports: receives the workers' reports, each with the worker's number.
    /// - Returns: the threads, in the order of the workers' numbers.
    /// - Throws: the system's error if it cannot create a thread.
    static func start(
        _ shared: SharedState,
        _ reports: Mailbox<(worker: Int, report: WorkerReport)>
    ) throws(SystemFailure) -> [LoopThread] {
        var threads: [LoopThread] = []
        for number in 0..<shared.configuration.workers {
            let thread = try LoopThread(name: "sly-worker-\(number)") {
                do throws(SystemFailure) {
                    let worker = try TunnelWorker(number, shared: shared) { reports.send((number, $0)) }
                    worker.run()
                } catch {
                    reports.send((number, .failed(error)))
                    reports.send((number, .ended(cutOff: false)))
                }
            }
            threads.append(thread)
        }
        return threads
    }
}

/// One thread with an event loop: receives messages from other threads, and sends reports to the service.
///
/// Workers share nothing on the hot path. Confined to its thread.
private final class TunnelWorker {
    private let shared: SharedState
    private let number: Int
    private let parts: WorkerParts
    private let report: @Sendable (WorkerReport) -> Void
    private var machine = WorkerStateMachine()

    init(
        _ number: Int,
        shared: SharedState,
        report: @escaping @Sendable (WorkerReport) -> Void
    ) throws(SystemFailure) {
        self.number = number
        self.shared = shared
        self.report = report
        parts = try WorkerParts(number, shared: shared)
    }

    /// Runs until the worker has stopped.
    func run() {
        let loop = parts.environment.loop
        let mailbox = Mailbox<WorkerMessage>(loop) { [unowned self] in receive($0) }
        parts.relays.delegate = self
        parts.pool.becameEmpty = { [unowned self] in ended() }
        report(.started(WorkerHandle(mailbox: mailbox, load: shared.loads[number])))
        loop.run()
        report(.ended(cutOff: machine.hasCutOff))
    }

    private func receive(_ message: WorkerMessage) {
        switch message {
        case .begin(let workers, let listeners): begin(workers, listeners)
        case .visitor(let route, let connection):
            // This comes first. Otherwise the visitor would count twice for a moment, as handed over and as a stream, and the
            // next visitor would go to another worker.
            shared.loads[number].visitorTaken()
            parts.visitorDoor?.visit(connection, route, source: "\(connection.remote)")
        case .ownVisitor(let route, let connection):
            parts.visitorDoor?.visit(connection, route, source: "stdio", isOwn: true)
        case .link(let connection): parts.acceptSide?.accept(connection)
        case .session(let call): parts.acceptSide?.answer(call)
        case .networkChanged: parts.networkChanged()
        case .passwords(let table): parts.acceptSide?.use(table)
        case .drain: perform(machine.drain())
        case .stop: perform(machine.stop(cutsOff: parts.cutsOff))
        }
    }

    private func begin(_ workers: WorkerTable, _ listeners: [ListenerAssignment]) {
        parts.begin(workers, listeners) { [unowned self] in machine.cutOff() }
        report(.ready)
        for side in parts.dialSides {
            let peer = side.share.configuration.id
            side.onceTried { [unowned self] failure in report(.tried(peer, failure)) }
            side.makeReady()
        }
    }
}

// MARK: - Ending

extension TunnelWorker: RelaySetDelegate, TurnEndHandler {
    func relays(_ relays: RelaySet, ended relay: Relay, on session: PeerSession?, _ outcome: RelayOutcome) {
        if relays.count == 0 { parts.environment.streamsAreGone() }
        if case .sessionEnded = outcome.ending { machine.cutOff() }
        if relay.isOwnVisitor { report(.ownVisitorEnded(StreamSummary(outcome))) }
        if let session { parts.pool.streamEnded(on: session) }
        ended()
    }

    func turnEnded() {
        perform(machine.turnAfterEndingAll(isQuiet: parts.environment.lingeringCount == 0))
    }

    private func ended() {
        perform(machine.ended(isEmpty: parts.isEmpty))
    }

    private func perform(_ actions: [WorkerStateMachine.Action]) {
        for action in actions {
            switch action {
            case .takeNothingNew:
                parts.takeNothingNew()
                ended()
            case .reportDrained: report(.drained)
            case .endAll:
                parts.endAll()
                parts.environment.noneLingers = { [unowned self] in turnEnded() }
                // This runs after the sessions, which end at the turn's end as well.
                parts.environment.loop.atEndOfTurn(self)
            case .stopLoop: parts.environment.loop.stop()
            }
        }
    }
}
