package import EventIO
package import Logging
import Platform
package import SecureLink
import Synchronization

/// The tunnel: starts workers, ends them, and is otherwise not in anybody's way.
///
/// Confined to the thread that makes it, which runs its control loop.
package final class TunnelService {
    /// How the service ended.
    package enum Outcome: Sendable {
        /// Every stream came to its own end.
        case drained
        /// Streams were cut off when the time was over, by a second signal, or because their link was lost meanwhile.
        case cutShort
        /// It could not be started.
        case failed(SystemFailure)
    }

    private let shared: SharedState
    private let loop: EventLoop
    private let log: TunnelLog
    private var reports: Mailbox<WorkerReport>?
    private var threads: [LoopThread] = []
    private var workers: [Mailbox<WorkerMessage>?]
    private var bound = 0
    private var drained: Set<Int> = []
    private var ended = 0
    private var outcome: Outcome?
    private var deadline: LoopTimer?
    private var signals: [SignalWatcher] = []
    private var network: NetworkWatcher?
    /// The users, once the passwords have been read again.
    private var users: PasswordTable?
    private var isDraining = false
    private var isStopping = false
    private let observer: (Event) -> Void
    private let hangUp: HangUp

    /// What HUP does.
    package enum HangUp {
        /// What the system makes of it, which is the end: the terminal has gone.
        case ends
        /// The passwords of the server are read again, if it has one; who is not among the users any more is cut off.
        case rereadsPasswords((() throws(CredentialFault) -> PasswordTable)?)
    }

    /// What is told to who runs the service, on the control loop's thread.
    package enum Event: Sendable {
        /// All listeners are bound.
        case ready
        /// It is known whether a peer can be reached: told by each worker once.
        case tried(peer: String, LinkFailure?)
        /// The stream of a visitor that was brought with ``carry(_:route:)`` has ended.
        case ownVisitorEnded(StreamSummary)
    }

    /// A service that is ready to run.
    ///
    /// - Parameters:
    ///   - configuration: what it does.
    ///   - secrets: the secrets that the configuration names.
    ///   - logger: where it tells what happens.
    ///   - hangUp: what HUP does.
    ///   - observer: who is told what matters to the program as a whole.
    /// - Throws: what the system refuses.
    package init(
        _ configuration: TunnelConfiguration,
        secrets: TunnelSecrets,
        logger: Logger,
        hangUp: HangUp = .ends,
        observer: @escaping (Event) -> Void = { _ in }
    ) throws(SystemFailure) {
        self.observer = observer
        self.hangUp = hangUp
        ProcessControl.ignoreBrokenPipes()
        shared = try SharedState(configuration, secrets: secrets, logger: logger)
        log = shared.log
        loop = try EventLoop()
        workers = Array(repeating: nil, count: configuration.workers)
    }

    /// Runs until it is ended by a signal or by ``drain()`` or ``stop()``.
    ///
    /// - Returns: how it ended.
    package func run() -> Outcome {
        let reports = Mailbox<WorkerReport>(loop) { [unowned self] in receive($0) }
        self.reports = reports
        deadline = LoopTimer(loop) { [unowned self] in stop() }
        do throws(SystemFailure) {
            for signal in [SignalWatcher.Signal.terminate, .interrupt] {
                signals.append(try SignalWatcher(signal, on: loop) { [unowned self] in signalled() })
            }
            if case .rereadsPasswords(let read) = hangUp {
                signals.append(try SignalWatcher(.hangUp, on: loop) { [unowned self] in reread(read) })
            }
            network = NetworkWatcher(loop) { [unowned self] in send(.networkChanged) }
            try startWorkers(reports)
        } catch {
            return .failed(error)
        }
        log.logger.info(
            "started",
            metadata: [
                "workers": "\(workers.count)", "routes": "\(shared.configuration.routes.count)",
                "services": "\(shared.configuration.services.count)", "aead": "\(shared.aead)",
            ]
        )
        loop.run()
        for thread in threads { thread.join() }
        network = nil
        return outcome ?? .drained
    }

    /// Signals do again what the system makes of them.
    ///
    /// Before it, one that comes when ``run()`` has returned does nothing, until the service is freed.
    package func leaveSignals() {
        signals = []
    }

    /// Carries a visitor that the program brings itself, over the route at that place of the configuration.
    ///
    package func carry(_ visitor: DetachedSocket, route: Int) {
        workers[0]?.send(.ownVisitor(route: route, visitor))
    }

    /// Accepts no more, and ends when the last stream has ended or the time is over.
    package func drain() {
        guard !isDraining else { return }
        isDraining = true
        log.logger.info("draining", metadata: ["timeout": "\(TimeText(shared.configuration.drainTimeout))"])
        // A worker that has not begun has nothing to drain; it is told when all of them begin.
        if !workers.contains(where: { $0 == nil }) { send(.drain) }
        deadline?.schedule(after: shared.configuration.drainTimeout)
    }

    /// Ends at once.
    package func stop() {
        guard !isStopping else { return }
        isStopping = true
        send(.stop)
    }

    private func startWorkers(_ reports: Mailbox<WorkerReport>) throws(SystemFailure) {
        for store in shared.stores { store.prepare() }
        let shared = shared
        for index in workers.indices {
            let thread = try LoopThread(name: "sly-worker-\(index)") {
                do throws(SystemFailure) {
                    let worker = try TunnelWorker(index, shared: shared) { reports.send($0) }
                    worker.run()
                } catch {
                    reports.send(.failed(error))
                    reports.send(.ended)
                }
            }
            threads.append(thread)
        }
    }

    private func receive(_ report: WorkerReport) {
        switch report {
        case .started(let index, let mailbox):
            workers[index] = mailbox
            // Whoever wants the process to end may have said so before there was anybody to hear it.
            guard !isStopping else {
                mailbox.send(.stop)
                break
            }
            let known = workers.compactMap { $0 }
            guard known.count == workers.count else { break }
            for worker in known { worker.send(.begin(known)) }
            // Read again before there was anybody to tell.
            if let users { send(.passwords(users)) }
            if isDraining { send(.drain) }
        case .bound:
            bound += 1
            if bound == workers.count { observer(.ready) }
        case .failed(let failure):
            if outcome == nil { outcome = .failed(failure) }
            stop()
        case .drained(let index):
            drained.insert(index)
            if isDraining, drained.count == workers.count {
                outcome = outcome ?? .drained
                stop()
            }
        case .cutOff: outcome = outcome ?? .cutShort
        case .tried(let peer, let failure): observer(.tried(peer: peer, failure))
        case .ownVisitorEnded(let summary): observer(.ownVisitorEnded(summary))
        case .ended:
            ended += 1
            guard ended == workers.count else { return }
            if drained.count < workers.count, outcome == nil { outcome = .cutShort }
            loop.stop()
        }
    }

    private func send(_ message: WorkerMessage) {
        for worker in workers { worker?.send(message) }
    }

    private func reread(_ read: (() throws(CredentialFault) -> PasswordTable)?) {
        guard let read else {
            log.logger.warning("HUP does nothing: there are no passwords to read again")
            return
        }
        do throws(CredentialFault) {
            let table = try read()
            log.passwordsRead(table)
            users = table
            send(.passwords(table))
        } catch {
            log.passwordsNotRead(error)
        }
    }

    private func signalled() {
        if isDraining { stop() } else { drain() }
    }
}
