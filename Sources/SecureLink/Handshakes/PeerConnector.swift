import EventIO

/// Connects to a peer: looks up its names and tries its addresses, one after the other.
///
/// Asked again after a connection that led to nothing, it goes on with the next address. Confined to its loop's thread;
/// freed, it stops.
final class PeerConnector {
    /// A connection, and where it goes.
    struct Connection {
        let socket: StreamSocket
        let remote: SocketAddress
    }

    private let environment: LinkEnvironment
    private let timeout: Duration
    private var endpoints: ArraySlice<Endpoint>
    private var addresses: ArraySlice<SocketAddress> = []
    /// A connection that somebody else has made: the only one there is.
    private var ready: DetachedSocket?
    private var lastFailure = LinkFailure.failed("nothing was tried")
    private var socket: StreamSocket?
    private var remote: SocketAddress?
    private var deadline: LoopTimer?
    private var completion: ((Result<Connection, LinkFailure>) -> Void)?

    /// Ready to connect to the first of `endpoints` that answers; each name may have several addresses.
    ///
    /// - Parameters:
    ///   - endpoints: where the peer is.
    ///   - first: an address that is tried before all of them.
    ///   - timeout: how long one address may take.
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

    /// Ready to hand out a connection that somebody else has made.
    init(over ready: DetachedSocket, in environment: LinkEnvironment) {
        self.environment = environment
        self.ready = ready
        timeout = .zero
        endpoints = []
    }

    deinit {
        socket?.close()
    }

    /// Whether there is nothing left to try.
    var isExhausted: Bool { addresses.isEmpty && endpoints.isEmpty }

    /// Connects to the next address that can be connected to, and calls back once.
    ///
    /// The socket's handler is the caller's to set.
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
