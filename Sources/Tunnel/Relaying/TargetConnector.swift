import EventIO
import Platform
import SecureLink
import Vocabulary

/// Connects a relay to its target: one address after the other, until one answers or none is left.
///
/// Confined to its loop's thread.
final class TargetConnector {
    private let context: RelayContext
    private unowned let relay: Relay
    private var candidates: ArraySlice<SocketAddress>
    private var failure = StreamFailure.unresolved

    /// A connector for these addresses, in this order.
    init(_ addresses: [SocketAddress], for relay: Relay, in context: RelayContext) {
        candidates = addresses[...]
        self.relay = relay
        self.context = context
    }

    /// Tries the next address.
    func tryNext() {
        while let address = candidates.popFirst() {
            relay.facts.target = address.description
            do throws(SystemFailure) {
                let socket = try StreamSocket.connect(to: address, loop: context.loop, handler: self)
                relay.socket = socket
                if socket.isConnected { connected(socket) }
                return
            } catch {
                if let shortage = error.shortage { context.refusals.limitReached(shortage) }
                failure = StreamFailure(connecting: error)
            }
        }
        relay.targetUnreachable(failure)
    }

    private func connected(_ socket: StreamSocket) {
        socket.handler = relay
        relay.targetConnected()
    }
}

extension TargetConnector: StreamSocketHandler {
    /// Ignores a target that sends first: its socket reports the bytes again when the relay asks for them.
    func socketReadable(_ socket: StreamSocket) {}

    func socketWritable(_ socket: StreamSocket) {
        connected(socket)
    }

    func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) {
        self.failure = StreamFailure(connecting: failure)
        socket.close()
        relay.socket = nil
        tryNext()
    }
}

extension StreamFailure {
    /// The failure that this end reports to the peer for a connection that could not be made.
    fileprivate init(connecting failure: SystemFailure) {
        switch failure.code {
        case ECONNREFUSED: self = .refused(failure.code)
        case ETIMEDOUT: self = .timeout
        default: self = .unreachable(failure.code)
        }
    }
}
