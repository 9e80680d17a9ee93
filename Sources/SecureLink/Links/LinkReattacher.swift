import CryptoPrimitives
package import EventIO
import ProtocolCore

/// Takes a session that has lost its link to another one: connects, proves the session, hands the link over.
///
/// One try over all addresses of the peer. It calls back once and is then of no more use; freed before, it stops. Confined
/// to its loop's thread.
package final class LinkReattacher {
    private let session: PeerSession
    private let environment: LinkEnvironment
    private let timeout: Duration
    private let connector: PeerConnector
    private var completion: ((LinkFailure?) -> Void)?

    private var socket: StreamSocket?
    private var remote: SocketAddress?
    private var reattachment: ClientReattachment?
    private var received: [UInt8] = []
    private var deadline: LoopTimer?
    private var buffer = [UInt8](repeating: 0, count: 4096)
    /// What the peer's last server to be asked has answered; the other addresses may be other servers.
    private var refusal: LinkFailure?

    /// A try to take a session to another link.
    ///
    /// - Parameters:
    ///   - session: what has lost its link; on success it has the new one when `completion` is called.
    ///   - endpoints: where the peer is.
    ///   - first: the address that is tried first.
    ///   - connectTimeout: how long one address may take to be connected to.
    ///   - answerTimeout: how long it may take to answer after that.
    ///   - completion: called once with what went wrong, or with nothing.
    package init(
        _ session: PeerSession,
        to endpoints: [Endpoint],
        first: SocketAddress?,
        connectTimeout: Duration,
        answerTimeout: Duration,
        _ completion: @escaping (LinkFailure?) -> Void
    ) {
        self.session = session
        environment = session.environment
        timeout = answerTimeout
        self.completion = completion
        connector = PeerConnector(
            to: endpoints,
            first: first,
            timeout: connectTimeout,
            in: environment
        )
        deadline = LoopTimer(environment.loop) { [unowned self] in failed(.timeout) }
    }

    deinit {
        socket?.close()
    }

    /// Begins.
    package func start() {
        connector.next { [weak self] result in
            switch result {
            case .success(let connection): self?.connected(connection)
            case .failure(let failure): self?.finish(self?.refusal ?? failure)
            }
        }
    }

    private func connected(_ connection: PeerConnector.Connection) {
        socket = connection.socket
        remote = connection.remote
        received = []
        connection.socket.handler = self
        do throws(CryptoFailure) {
            let random = try SystemRandom.bytes(count: 32)
            let reattachment = session.beginReattaching(random: random)
            self.reattachment = reattachment
            deadline?.schedule(after: timeout)
            let result = reattachment.message.withUnsafeBytes { connection.socket.write($0) }
            // A new connection takes some hundred bytes; if it does not, it is of no use.
            guard case .took(reattachment.message.count) = result else {
                failed(.closed)
                return
            }
        } catch {
            finish(LinkFailure(.crypto(error)))
        }
    }

    /// Goes on with the next address, if there is one.
    private func failed(_ failure: LinkFailure) {
        guard completion != nil else { return }
        deadline?.cancel()
        socket?.close()
        socket = nil
        reattachment = nil
        // That the server which had the session has it no more is the last word; another server may never have had it.
        if failure == .sessionGone, remote == session.remote {
            finish(failure)
            return
        }
        refusal = failure == .sessionGone ? .sessionElsewhere : failure
        if connector.isExhausted { finish(refusal) } else { start() }
    }

    private func finish(_ failure: LinkFailure?) {
        deadline?.cancel()
        socket?.close()
        socket = nil
        reattachment = nil
        let completion = completion
        self.completion = nil
        completion?(failure)
    }
}

extension LinkReattacher: StreamSocketHandler {
    package func socketReadable(_ socket: StreamSocket) {
        // A try that has failed may have gone on with another socket already.
        while reattachment != nil, self.socket === socket {
            switch buffer.withUnsafeMutableBytes({ socket.read(into: $0) }) {
            case .bytes(let count):
                received += buffer[..<count]
                proceed()
            case .nothing: return
            case .end, .failed: failed(.closed)
            }
        }
    }

    package func socketWritable(_ socket: StreamSocket) {}

    package func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) {
        failed(.closed)
    }

    private func proceed() {
        do {
            let answer = try received.withUnsafeBytes { try reattachment?.receive($0) }
            guard let answer, let socket, let remote else { return }
            reattachment = nil
            deadline?.cancel()
            self.socket = nil
            let records = Array(received.dropFirst(answer.consumed))
            session.attach(
                PeerSession.Arrival(
                    socket: socket,
                    remote: remote,
                    peerReceived: answer.received,
                    preamble: [],
                    records: records
                )
            )
            finish(nil)
        } catch let fault as HandshakeFault {
            failed(LinkFailure(reattaching: fault))
        } catch {
            failed(.failed("\(error)"))
        }
    }
}

extension LinkFailure {
    /// What came of asking to go on with a session.
    fileprivate init(reattaching fault: HandshakeFault) {
        switch fault {
        case .rejected(.noSession, _): self = .sessionGone
        // No password is asked for here: who cannot prove the session is not the server that has it.
        case .authentication, .rejected(.authentication, _):
            self = .incompatible("what answers cannot prove that it has the session")
        default: self = LinkFailure(fault)
        }
    }
}
