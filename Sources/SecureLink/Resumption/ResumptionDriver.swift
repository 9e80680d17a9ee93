import Basics
package import EventIO
import Vocabulary

/// Resumes one session whenever it has lost its link: the shell of ``ResumptionStateMachine``.
///
/// It is confined to its loop's thread.
package final class ResumptionDriver {
    /// The peer's addresses, the time limits, and the callbacks of the driver.
    package struct Route {
        /// The peer's addresses.
        package var endpoints: [Endpoint]
        /// The time limit for connecting to one address.
        package var connectTimeout: Duration
        /// The time limit for the answer after that.
        package var handshakeTimeout: Duration
        /// Called when the failure of an attempt tells something about the state of the peer.
        package var failed: (LinkFailure) -> Void
        /// Called when new streams should use another session.
        package var becameDoubtful: () -> Void

        package init(
            to endpoints: [Endpoint],
            connectTimeout: Duration,
            handshakeTimeout: Duration,
            failed: @escaping (LinkFailure) -> Void,
            becameDoubtful: @escaping () -> Void
        ) {
            self.endpoints = endpoints
            self.connectTimeout = connectTimeout
            self.handshakeTimeout = handshakeTimeout
            self.failed = failed
            self.becameDoubtful = becameDoubtful
        }
    }

    private let session: PeerSession
    private let route: Route
    private var machine = ResumptionStateMachine()
    private var random = SystemRandomNumberGenerator()
    private var attempt: ResumptionAttempt?
    private var timer: LoopTimer?

    /// A driver for a session whose client is this end.
    package init(_ session: PeerSession, by route: Route) {
        self.session = session
        self.route = route
        timer = LoopTimer(session.environment.loop) { [unowned self] in run(machine.waited()) }
    }

    /// Whether new streams should use another session, because this one may never be resumed.
    package var isDoubtful: Bool { machine.isDoubtful }

    /// The session has lost its link.
    package func linkLost() {
        run(machine.linkLost(mayReconnectNow: session.mayReconnectNow()))
    }

    /// The network has changed: attempts that failed before may succeed now.
    package func networkChanged() {
        run(machine.networkChanged())
    }

    private func run(_ actions: [ResumptionStateMachine.Action]) {
        for action in actions { run(action) }
    }

    private func run(_ action: ResumptionStateMachine.Action) {
        switch action {
        case .wait(let duration): timer?.schedule(after: duration)
        case .attempt(let lastAddressFirst, let limit):
            begin(lastAddressFirst: lastAddressFirst, limit: limit)
        case .report(let failure): route.failed(failure)
        case .becameDoubtful: route.becameDoubtful()
        case .abandon(let cause): session.abandon(cause)
        }
    }

    private func begin(lastAddressFirst: Bool, limit: Duration) {
        timer?.cancel()
        let attempt = ResumptionAttempt(
            session,
            to: route.endpoints,
            first: lastAddressFirst ? session.remote : nil,
            connectTimeout: min(route.connectTimeout, limit),
            answerTimeout: min(route.handshakeTimeout, limit)
        ) { [weak self] failure in
            self?.ended(failure)
        }
        self.attempt = attempt
        attempt.start()
    }

    private func ended(_ failure: LinkFailure?) {
        attempt = nil
        if let failure {
            run(machine.attemptFailed(failure, using: &random))
        } else {
            machine.resumed()
        }
    }
}
