import EventIO
import Platform
import SecureLink
import Vocabulary

/// Connecting to the target: one address after the other, until one answers or the time is over.
extension Relay {
    /// Tries the addresses in this order; bytes of the visitor that come in the meantime wait.
    func connect(to addresses: [SocketAddress]) {
        candidates = addresses[...]
        connectFailure = nil
        tryNext()
    }

    /// The names of the target could not be looked up.
    func targetUnresolved() {
        targetUnreachable(.unresolved)
    }

    func targetConnected() {
        stream?.reportTarget(nil)
        start()
    }

    func targetFailed(_ failure: SystemFailure) {
        connectFailure = StreamFailure(connecting: failure)
        socket?.close()
        socket = nil
        tryNext()
    }

    func connectTimedOut() {
        if side == .target {
            targetUnreachable(.timeout)
        } else {
            end(
                isHeldUpByLimit
                    ? RelayOutcome(ending: .limit, by: .acceptor) : RelayOutcome(ending: .noLink, by: .link)
            )
        }
    }

    private func tryNext() {
        while let address = candidates.popFirst() {
            facts.target = address.description
            do throws(SystemFailure) {
                let socket = try StreamSocket.connect(to: address, loop: worker.loop, handler: self)
                self.socket = socket
                isRegistered = true
                if socket.isConnected { targetConnected() }
                return
            } catch {
                if let shortage = error.shortage { worker.noteLimit(shortage) }
                connectFailure = StreamFailure(connecting: error)
            }
        }
        targetUnreachable(connectFailure ?? .unresolved)
    }

    private func targetUnreachable(_ failure: StreamFailure) {
        stream?.reportTarget(failure)
        stream?.reset(failure)
        end(RelayOutcome(ending: .notConnected(failure), by: .target))
    }
}

extension StreamFailure {
    /// What the peer is told of a connection that could not be made.
    fileprivate init(connecting failure: SystemFailure) {
        switch failure.code {
        case ECONNREFUSED: self = .refused(failure.code)
        case ETIMEDOUT: self = .timeout
        default: self = .unreachable(failure.code)
        }
    }
}
