import CryptoPrimitives
import EventIO
import Platform
import SecureLink
import Synchronization

/// A thread that moves the bytes of connections; any task can send it commands.
final class MessageLoop: Sendable {
    private let mailbox: Mailbox<LoopCommand>

    private init(_ mailbox: Mailbox<LoopCommand>) {
        self.mailbox = mailbox
    }

    deinit {
        // The loop carries out all earlier commands before it stops.
        mailbox.send(.stop)
    }

    /// Starts a thread, which ends when the returned object is freed.
    static func start(name: String) async throws(SallyportError) -> MessageLoop {
        let result: Result<MessageLoop, SallyportError> = await withCheckedContinuation { continuation in
            do throws(SystemFailure) {
                let jobs = try arithmetic()
                _ = try LoopThread(name: name) { run(jobs) { continuation.resume(returning: $0) } }
            } catch {
                continuation.resume(returning: .failure(SallyportError(error)))
            }
        }
        return try result.get()
    }

    /// Returns the loop that all clients of the process share.
    static func shared() async throws(SallyportError) -> MessageLoop {
        let task = clients.withLock { clients in
            let task =
                clients
                ?? Task {
                    await Result { () async throws(SallyportError) in try await start(name: "sly-clients") }
                }
            clients = task
            return task
        }
        let result = await task.value
        // Forget a failure: the system may have the resources later.
        if case .failure = result { clients.withLock { $0 = $0 == task ? nil : $0 } }
        return try result.get()
    }

    private static let clients = Mutex<Task<Result<MessageLoop, SallyportError>, Never>?>(nil)

    /// Makes the loop's thread carry out a command; returns immediately.
    func perform(_ command: LoopCommand) {
        mailbox.send(command)
    }

    /// Returns the process's thread pool for the cryptography of logins.
    private static func arithmetic() throws(SystemFailure) -> JobPool {
        let result = pool.withLock { pool -> Result<JobPool, SystemFailure> in
            if let pool { return .success(pool) }
            do throws(SystemFailure) {
                let made = try JobPool(threads: 2, maxWaiting: 256, name: "sly-pake")
                pool = made
                return .success(made)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private static let pool = Mutex<JobPool?>(nil)

    private static func run(
        _ jobs: JobPool,
        _ started: (Result<MessageLoop, SallyportError>) -> Void
    ) {
        do throws(SystemFailure) {
            let context = try LoopContext(jobs)
            started(
                .success(MessageLoop(Mailbox(context.loop) { [unowned context] in context.perform($0) }))
            )
            context.run()
        } catch {
            started(.failure(SallyportError(error)))
        }
    }
}

extension Result {
    fileprivate init(_ body: () async throws(Failure) -> Success) async {
        do throws(Failure) { self = .success(try await body()) } catch { self = .failure(error) }
    }
}

/// The objects on a loop's thread: connections, and a server's listeners.
///
/// Confined to that thread.
final class LoopContext {
    let loop: EventLoop
    let environment: LinkEnvironment
    var drivers: [UInt64: ConnectionDriver] = [:]
    /// The clients that are connecting.
    var dials: [UInt64: ConnectAttempt] = [:]
    /// The loop's server, if it has one.
    var hub: ServerHub?
    private var sweep: LoopTimer?
    private var ticker: LoopTimer?

    /// The interval at which idle sessions release memory.
    ///
    /// Larger: idle sessions keep memory longer. Smaller: the loop wakes more often.
    private static let sweepInterval = Duration.milliseconds(250)

    init(_ jobs: JobPool) throws(SystemFailure) {
        loop = try EventLoop()
        environment = LinkEnvironment(
            loop,
            pool: jobs,
            gauge: TrafficGauge(),
            neighbours: [],
            aead: .fastest
        )
    }

    func run() {
        sweep = LoopTimer(loop) { [unowned self] in look() }
        sweep?.schedule(after: Self.sweepInterval)
        ticker = LoopTimer(loop) { [unowned self] in tick() }
        loop.run()
    }

    /// Starts to check deadlines, because a connection has requests that wait for answers.
    func watchCalls() {
        if !(ticker?.isScheduled ?? true) { ticker?.schedule(after: Calls.tick) }
    }

    private func look() {
        for driver in drivers.values { driver.session.rest() }
        environment.trim()
        sweep?.schedule(after: Self.sweepInterval)
    }

    private func tick() {
        var isWaiting = false
        for driver in drivers.values {
            driver.connection.calls.expire(at: loop.now)
            if driver.connection.calls.count > 0 { isWaiting = true }
        }
        if isWaiting { watchCalls() }
    }
}
