package import EventIO
import Logging
import Platform
package import SecureLink

/// Supervises the workers: startup, signals, drain, shutdown.
///
/// The shell of ``LifecycleStateMachine``.
///
/// Confined to the thread that makes it, which runs its control loop.
package final class TunnelService {
    private let shared: SharedState
    private let loop: EventLoop
    private let log: TunnelLog
    private let hangUp: HangUp
    private let observer: (Event) -> Void
    private var listeners: ListenerSet
    private var machine: LifecycleStateMachine
    private var threads: [LoopThread] = []
    private var workers: [Int: WorkerHandle] = [:]
    private var reports: Mailbox<(worker: Int, report: WorkerReport)>?
    private var deadline: LoopTimer?
    private var signals: [SignalWatcher] = []
    private var network: NetworkWatcher?
    /// The users, once the passwords have been reloaded.
    private var users: PasswordTable?

    /// The effect of HUP.
    package enum HangUp {
        /// The system's default, which ends the process: the terminal is gone.
        case ends
        /// Reloads the server's passwords, if it has any.
        ///
        /// This ends the sessions of users that were removed or have a new password.
        case rereadsPasswords((() throws(CredentialFault) -> PasswordTable)?)
    }

    /// An event of the whole program; reported on the control loop's thread.
    package enum Event: Sendable {
        /// All workers have begun.
        case ready
        /// The first login to a peer has succeeded or failed: each worker reports this once.
        case tried(peer: PeerName, LinkFailure?)
        /// The stream of a visitor that was passed to ``TunnelService/carry(_:route:)`` has ended.
        case ownVisitorEnded(StreamSummary)
    }

    init(
        _ configuration: TunnelConfiguration,
        secrets: TunnelSecrets,
        logger: Logger,
        hangUp: HangUp,
        observer: @escaping (Event) -> Void
    ) throws(SystemFailure) {
        self.observer = observer
        self.hangUp = hangUp
        ProcessControl.ignoreBrokenPipes()
        shared = try SharedState(configuration, secrets: secrets, logger: logger)
        log = shared.log
        loop = try EventLoop()
        listeners = try ListenerSet(configuration)
        machine = LifecycleStateMachine(workers: configuration.workers)
    }

    /// Carries a visitor that the program itself supplies, over this route.
    package func carry(_ visitor: DetachedSocket, route: RouteName) {
        workers[0]?.mailbox.send(.ownVisitor(route, visitor))
    }

    /// Accepts nothing new, and ends when the last stream has ended or `drain-timeout` has passed.
    package func drain() {
        perform(machine.drain())
    }

    /// Stops at once.
    package func stop() {
        perform(machine.stop())
    }

    /// Restores the system's default effect of signals.
    ///
    /// Without this call, a signal that comes after ``run()`` has returned does nothing until the service is freed.
    package func leaveSignals() {
        signals = []
    }
}

// MARK: - Running

extension TunnelService {
    /// Runs until a signal, ``drain()`` or ``stop()`` ends it.
    ///
    /// - Returns: how it ended.
    func run() -> TunnelOutcome {
        let reports = Mailbox<(worker: Int, report: WorkerReport)>(loop) { [unowned self] in
            receive($0.report, from: $0.worker)
        }
        self.reports = reports
        deadline = LoopTimer(loop) { [unowned self] in perform(machine.stop()) }
        do throws(SystemFailure) {
            for signal in [SignalWatcher.Signal.terminate, .interrupt] {
                signals.append(
                    try SignalWatcher(signal, on: loop) { [unowned self] in perform(machine.signalled()) }
                )
            }
            if case .rereadsPasswords(let read) = hangUp {
                signals.append(try SignalWatcher(.hangUp, on: loop) { [unowned self] in reread(read) })
            }
            network = NetworkWatcher(loop) { [unowned self] in send(.networkChanged) }
            for peer in shared.peers.values { peer.store.prepare() }
            threads = try WorkerThreads.start(shared, reports)
        } catch {
            return .failed(error)
        }
        log.logger.info(
            "started",
            metadata: [
                "workers": "\(threads.count)", "routes": "\(shared.configuration.routes.count)",
                "services": "\(shared.configuration.services.count)", "aead": "\(shared.aead)",
            ]
        )
        loop.run()
        for thread in threads { thread.join() }
        network = nil
        return machine.outcome
    }

    private func receive(_ report: WorkerReport, from worker: Int) {
        switch report {
        case .started(let handle):
            workers[worker] = handle
            perform(machine.started(worker))
        case .ready: perform(machine.ready(worker))
        case .failed(let failure): perform(machine.failed(failure))
        case .drained: perform(machine.drained(worker))
        case .tried(let peer, let failure): observer(.tried(peer: peer, failure))
        case .ownVisitorEnded(let summary): observer(.ownVisitorEnded(summary))
        case .ended(let cutOff): perform(machine.ended(worker, cutOff: cutOff))
        }
    }

    private func perform(_ actions: [LifecycleStateMachine.Action]) {
        for action in actions {
            switch action {
            case .begin: begin()
            case .reportReady: observer(.ready)
            case .startDraining:
                let limit = shared.configuration.drainTimeout
                log.logger.info("draining", metadata: ["timeout": "\(TimeText(limit))"])
                listeners.close()
                deadline?.schedule(after: limit)
            case .drainWorkers: send(.drain)
            case .stopWorkers:
                listeners.close()
                send(.stop)
            case .stopWorker(let worker): workers[worker]?.mailbox.send(.stop)
            case .exit: loop.stop()
            }
        }
    }

    private func begin() {
        let handles = workers.sorted { $0.key < $1.key }.map(\.value)
        let assignments = listeners.assignments(to: handles.count)
        for (number, handle) in handles.enumerated() {
            handle.mailbox.send(.begin(WorkerTable(workers: handles, own: number), assignments[number]))
        }
        // The passwords were reloaded before the workers could receive messages.
        if let users { send(.passwords(users)) }
    }

    private func send(_ message: WorkerMessage) {
        for worker in workers.values { worker.mailbox.send(message) }
    }

    private func reread(_ read: (() throws(CredentialFault) -> PasswordTable)?) {
        guard let read else {
            log.logger.warning("HUP does nothing: there are no passwords to reload")
            return
        }
        do throws(CredentialFault) {
            let table = try read()
            log.passwordsRead(table)
            users = table
            if machine.hasBegun { send(.passwords(table)) }
        } catch {
            log.passwordsNotRead(error)
        }
    }
}
