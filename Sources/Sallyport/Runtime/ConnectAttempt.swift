import EventIO
import SecureLink
import Synchronization

/// A caller that waits for a connection; any thread may give it the result, once.
final class Attempt: Sendable {
    typealias Outcome = Result<Connection, SallyportError>

    private enum State {
        case new
        case waiting(CheckedContinuation<Outcome, Never>)
        case over(Outcome?)
    }

    private let state = Mutex(State.new)
    /// The identity of the attempt.
    let id = Attempt.ids.add(1, ordering: .relaxed).newValue

    private static let ids = Atomic<UInt64>(0)

    /// Whether no caller waits any more.
    var isOver: Bool {
        state.withLock { state in
            if case .over = state { return true }
            return false
        }
    }

    func begin(_ continuation: CheckedContinuation<Outcome, Never>) {
        let early = state.withLock { state -> Outcome? in
            if case .over(let outcome) = state { return outcome }
            state = .waiting(continuation)
            return nil
        }
        if let early { continuation.resume(returning: early) }
    }

    /// Gives the caller the result.
    ///
    /// - Returns: whether a caller was waiting.
    @discardableResult
    func end(_ outcome: Outcome) -> Bool {
        let waiting = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
            switch state {
            case .new:
                state = .over(outcome)
                return nil
            case .waiting(let continuation):
                state = .over(nil)
                return continuation
            case .over: return nil
            }
        }
        waiting?.resume(returning: outcome)
        return waiting != nil
    }
}

/// A client's attempt to connect, from the address to the connection.
///
/// Confined to its loop's thread.
final class ConnectAttempt: ConnectionObserver {
    /// The source of a client's link.
    enum Way: Sendable {
        /// The library connects to the endpoint, and connects again when the link is lost.
        case to(Endpoint)
        /// The application has connected the socket; it cannot be connected again.
        case over(DetachedSocket)
    }

    private let way: Way
    private let store: CredentialStore
    private let options: ConnectionOptions
    private let messageLoop: MessageLoop
    private unowned let context: LoopContext
    private let attempt: Attempt
    private let handlers: (@Sendable (Connection) -> Void)?
    private var dialer: LinkDialer?
    private var deadline: LoopTimer?
    private weak var driver: ConnectionDriver?
    private var hasLeft = false

    init(_ request: ConnectRequest, in context: LoopContext) {
        way = request.way
        store = request.store
        options = request.options
        messageLoop = request.loop
        attempt = request.attempt
        handlers = request.handlers
        self.context = context
    }

    func begin() {
        guard !attempt.isOver else { return }
        context.dials[attempt.id] = self
        let timer = LoopTimer(context.loop) { [unowned self] in
            fail(SallyportError(.timeout, "no connection \(way) within \(options.connectTimeout)"))
        }
        timer.schedule(after: options.connectTimeout)
        deadline = timer
        dialer = makeDialer { [weak self] result in
            // A login job may finish after the time limit.
            switch result {
            case .success(let session):
                if let self, !hasLeft { begin(session) } else { session.closeAtOnce() }
            case .failure(let failure): self?.fail(SallyportError(failure))
            }
        }
        dialer?.start()
    }

    private func makeDialer(
        _ completion: @escaping (Result<PeerSession, LinkFailure>) -> Void
    ) -> LinkDialer {
        var link = LinkOptions(options)
        switch way {
        case .to(let endpoint):
            return LinkDialer(
                to: [endpoint],
                as: store,
                options: link,
                connectTimeout: options.connectTimeout,
                in: context.environment,
                completion
            )
        case .over(let connection):
            // The session cannot resume over another link, so it does not have to keep sent data.
            link.resumeBuffer = 0
            return LinkDialer(over: connection, as: store, options: link, in: context.environment, completion)
        }
    }

    private var endpoints: [Endpoint] {
        switch way {
        case .to(let endpoint): [endpoint]
        case .over: []
        }
    }

    private func begin(_ session: PeerSession) {
        let way = ResumptionDriver.Route(
            to: endpoints,
            connectTimeout: options.connectTimeout,
            handshakeTimeout: options.connectTimeout,
            failed: { _ in },
            becameDoubtful: {}
        )
        let connection = Connection(
            Connection.Facts(
                user: session.userName,
                remoteAddress: "\(session.remote)",
                isEncrypted: session.isEncrypted,
                token: nil
            ),
            options: options,
            loop: messageLoop,
            handlers: nil
        )
        handlers?(connection)
        let driver = ConnectionDriver(
            session,
            connection,
            in: context,
            resumption: ResumptionDriver(session, by: way)
        )
        session.owner = driver
        driver.observer = self
        self.driver = driver
        driver.begin()
    }

    func fail(_ failure: SallyportError) {
        attempt.end(.failure(failure))
        driver?.breakOff(failure)
        leave()
    }

    private func leave() {
        guard !hasLeft else { return }
        hasLeft = true
        deadline?.cancel()
        driver?.observer = nil
        // Freed on the next loop turn, because a method of this object may be running.
        messageLoop.perform(.forgetConnecting(attempt.id))
    }

    func connectionBegan(_ connection: Connection) {
        // The caller may have given up meanwhile.
        if !attempt.end(.success(connection)) { driver?.breakOff(.cancelled) }
        leave()
    }

    func connection(_ connection: Connection, lostLink reason: String) {}
    func connectionResumed(_ connection: Connection) {}

    func connection(_ connection: Connection, ended failure: SallyportError) {
        attempt.end(.failure(failure))
        leave()
    }
}

extension ConnectAttempt.Way: CustomStringConvertible {
    var description: String {
        switch self {
        case .to(let endpoint): "to \(endpoint)"
        case .over(let connection): "over a connection to \(connection.remote)"
        }
    }
}

extension LinkOptions {
    init(_ options: ConnectionOptions) {
        self.init()
        let window = options.clampedWindow
        maxStreams = 1024
        chunk = min(max(options.chunk, 256), maxRecord)
        streamWindow = window
        maxStreamWindow = window
        handshakeTimeout = options.connectTimeout
        resumeWindow = options.resumeWindow
        resumeBuffer = options.resumeWindow > .zero ? max(options.resumeBuffer, 256 << 10) : 0
        allowsUnencrypted = options.allowsUnencrypted
    }
}
