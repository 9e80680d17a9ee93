import Basics
import CryptoPrimitives
import EventIO
import ProtocolCore
import Vocabulary

/// One attempt to resume a session: the shell of ``ResumptionAttemptStateMachine``.
///
/// It calls back once and is not used after that. If it is freed before, it stops. It is confined to its loop's thread.
final class ResumptionAttempt {
    private let session: PeerSession
    private let environment: LinkEnvironment
    private let timeout: Duration
    private let connector: PeerConnector
    private var machine = ResumptionAttemptStateMachine()
    private var completion: ((LinkFailure?) -> Void)?
    private var connection: (socket: HandshakeSocket, remote: SocketAddress)?

    /// An attempt over all addresses of the peer.
    ///
    /// - Parameters:
    ///   - session: the session that has lost its link; on success it has the new one when `completion` is called.
    ///   - endpoints: the peer's addresses.
    ///   - first: the address that is tried first.
    ///   - connectTimeout: the time limit for connecting to one address.
    ///   - answerTimeout: the time limit for the answer after that.
    ///   - completion: called once, with the failure or with `nil`.
    init(
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
        connector = PeerConnector(to: endpoints, first: first, timeout: connectTimeout, in: environment)
    }

    /// Starts the attempt.
    func start() {
        run(machine.start())
    }

    private func run(_ actions: [ResumptionAttemptStateMachine.Action]) {
        for action in actions { run(action) }
    }

    private func run(_ action: ResumptionAttemptStateMachine.Action) {
        switch action {
        case .connect:
            connector.next { [weak self] result in
                guard let self else { return }
                switch result {
                case .success(let connection): connected(connection)
                case .failure(let failure): run(machine.connectingFailed(failure))
                }
            }
        case .startDeadline: connection?.socket.setDeadline(environment.loop.now.advanced(by: timeout))
        case .send(let message):
            if connection?.socket.send(message) == false { fail(.closed) }
        case .close: dropConnection()
        case .attach(let peerReceived, let received): attach(peerReceived, received)
        case .fail(let failure): finish(failure)
        }
    }

    private func dropConnection() {
        connection?.socket.close()
        connection = nil
    }

    private func fail(_ failure: LinkFailure) {
        run(machine.failed(failure, hasMoreAddresses: !connector.isExhausted))
    }

    private func connected(_ found: PeerConnector.Connection) {
        let socket = HandshakeSocket(found.socket, loop: environment.loop, owner: self)
        connection = (socket, found.remote)
        do throws(CryptoFailure) {
            let request = session.requestResumption(random: try SystemRandom.bytes(count: 32))
            run(machine.connected(request, isSessionsServer: found.remote == session.remote))
        } catch {
            fail(LinkFailure(.crypto(error)))
        }
    }

    private func attach(_ peerReceived: UInt64, _ received: [UInt8]) {
        guard let (handshake, remote) = connection, let socket = handshake.release() else { return }
        connection = nil
        session.attach(
            PeerSession.Arrival(
                socket: socket,
                remote: remote,
                peerReceived: peerReceived,
                preamble: [],
                records: received
            )
        )
        finish(nil)
    }

    private func finish(_ failure: LinkFailure?) {
        let completion = completion
        self.completion = nil
        completion?(failure)
    }
}

extension ResumptionAttempt: HandshakeSocketOwner {
    func handshakeSocket(_ socket: HandshakeSocket, _ event: HandshakeSocket.Event) {
        // A late event of the previous connection does not concern the next one.
        guard connection?.socket === socket else { return }
        switch event {
        case .received(let bytes): run(machine.received(bytes, hasMoreAddresses: !connector.isExhausted))
        case .closed: fail(.closed)
        case .timedOut: fail(.timeout)
        }
    }
}
