import EventIO

/// Connects to a peer: resolves its names and tries its addresses one after another.
///
/// If the handshake on a connection fails, the caller calls ``next(_:)`` again, and the connector tries the next address. It is
/// confined to its loop's thread. If it is freed, it stops.
final class PeerConnector {
    /// A connection and its remote address.
    struct Connection {
        let socket: StreamSocket
        let remote: SocketAddress
    }

    private let environment: LinkEnvironment
    private let timeout: Duration
    private var endpoints: ArraySlice<Endpoint>
    private var addresses: ArraySlice<SocketAddress> = []
    /// A connection that the caller has established; if there is one, no other is tried.
    private var ready: DetachedSocket?
    private var lastFailure = LinkFailure.failed("no address to connect to")
    private var socket: StreamSocket?
    private var remote: SocketAddress?
    private var deadline: LoopTimer?
    private var completion: ((Result<Connection, LinkFailure>) -> Void)?

    /// A connector to the first of `endpoints` that answers; each name may have several addresses.
    ///
    /// - Parameters:
    ///   - endpoints: the peer's addresses and names.
    ///   - first: an address that is tried before all of them.
    ///   - timeout: the time limit for connecting to one address.
    ///   - environment: the loop of the connection.
    init(
        to endpoints: [Endpoint],
        first: SocketAddress? = nil,
        timeout: Duration,
        in environment: LinkEnvironment
    ) {
        self.environment = environment
        self.timeout = timeout
        self.endpoints = endpoints[...]
        if let first { addresses = [first] }
        deadline = LoopTimer(environment.loop) { [unowned self] in timedOut() }
    }

    /// A connector that hands out a connection that the caller has established.
    init(over ready: DetachedSocket, in environment: LinkEnvironment) {
        self.environment = environment
        self.ready = ready
        timeout = .zero
        endpoints = []
    }

    deinit {
        socket?.close()
    }

    /// Whether no address is left to try.
    var isExhausted: Bool { addresses.isEmpty && endpoints.isEmpty }

    /// Connects to the next address that accepts a connection, and calls back once.
    ///
    /// The caller must set the socket's handler.
    func next(_ completion: @escaping (Result<Connection, LinkFailure>) -> Void) {
        self.completion = completion
        tryNext()
    }

    private func tryNext() {
        if let ready {
            self.ready = nil
            use(ready)
        } else if let address = addresses.popFirst() {
            connect(address)
        } else if let endpoint = endpoints.popFirst() {
            environment.loop.resolve(endpoint) { [weak self] result in
                guard let self else { return }
                switch result {
                case .success(let found): addresses = found[...]
                case .failure(let failure): lastFailure = .unresolved(failure.description)
                }
                tryNext()
            }
        } else {
            finish(.failure(lastFailure))
        }
    }

    private func use(_ ready: DetachedSocket) {
        let socket = StreamSocket(ready, loop: environment.loop)
        remote = ready.remote
        self.socket = socket
        do throws(SystemFailure) {
            try socket.start(self)
            connected()
        } catch {
            failed(error.description)
        }
    }

    private func connect(_ address: SocketAddress) {
        remote = address
        do {
            let socket = try StreamSocket.connect(to: address, loop: environment.loop, handler: self)
            self.socket = socket
            deadline?.schedule(after: timeout)
            if socket.isConnected { connected() }
        } catch {
            failed(error.description)
        }
    }

    private func connected() {
        guard let socket, let remote else { return }
        deadline?.cancel()
        self.socket = nil
        finish(.success(Connection(socket: socket, remote: remote)))
    }

    private func timedOut() {
        failed("connect \(remote?.description ?? ""): no answer after \(timeout)")
    }

    private func failed(_ reason: String) {
        deadline?.cancel()
        socket?.close()
        socket = nil
        lastFailure = .unreachable(reason)
        tryNext()
    }

    private func finish(_ result: Result<Connection, LinkFailure>) {
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}

extension PeerConnector: StreamSocketHandler {
    package func socketReadable(_ socket: StreamSocket) {}

    package func socketWritable(_ socket: StreamSocket) {
        connected()
    }

    package func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) {
        let subject = failure.subject.isEmpty ? remote?.description ?? "" : failure.subject
        failed(SystemFailure(failure.operation, subject, code: failure.code).description)
    }
}
