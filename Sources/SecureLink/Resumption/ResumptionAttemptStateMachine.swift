import ProtocolCore
import Vocabulary

/// Decides how one attempt to resume a session goes: over all addresses of the peer, until one server takes the session back
/// or none is left.
///
/// ```
/// idle ──► connecting ──► asking ──answer──► over: resumed
///              ▲             │
///              └─ next address ──none left──► over: failed
/// ```
/// Pure: events go in, actions come out.
struct ResumptionAttemptStateMachine {
    /// What the shell does next, in this order.
    enum Action {
        /// Connect to the next address; its result is ``connected(_:isSessionsServer:)`` or ``connectingFailed(_:)``.
        case connect
        /// Start the time limit of the answer.
        case startDeadline
        /// Send this message.
        case send([UInt8])
        /// Close this connection.
        case close
        /// Take the session to this connection: the peer has received so many records, and these bytes of records have come.
        case attach(peerReceived: UInt64, received: [UInt8])
        /// Give up.
        case fail(LinkFailure)
    }

    private enum State {
        case idle
        case connecting
        case asking(ClientResumption, received: [UInt8], isSessionsServer: Bool)
        case over
    }

    private var state = State.idle
    /// What the last server answered; the other addresses may be other servers.
    private var refusal: LinkFailure?

    /// The largest answer, in bytes: what a server may send before it has proved that it has the session is bounded by the
    /// message's own length, and records follow it at once.
    private static let maxReceived = HandshakeFrame.headerCount + HandshakeFrame.maxBody

    init() {}

    /// Whether the attempt has succeeded or failed.
    var isOver: Bool {
        if case .over = state { true } else { false }
    }

    /// Begins.
    mutating func start() -> [Action] {
        guard case .idle = state else { return [] }
        state = .connecting
        return [.connect]
    }

    /// There is a connection.
    ///
    /// - Parameters:
    ///   - resumption: the request, with an attempt number of its own.
    ///   - isSessionsServer: whether the connection goes to the address of the session's last link.
    /// - Returns: what the shell does next.
    mutating func connected(_ resumption: ClientResumption, isSessionsServer: Bool) -> [Action] {
        guard case .connecting = state else { return [] }
        state = .asking(resumption, received: [], isSessionsServer: isSessionsServer)
        return [.startDeadline, .send(resumption.message)]
    }

    /// No address is left that can be connected to.
    mutating func connectingFailed(_ failure: LinkFailure) -> [Action] {
        guard case .connecting = state else { return [] }
        state = .over
        return [.fail(refusal ?? failure)]
    }

    /// Bytes came from the server.
    mutating func received(_ bytes: UnsafeRawBufferPointer, hasMoreAddresses: Bool) -> [Action] {
        guard case .asking(let resumption, var received, let isSessionsServer) = state else { return [] }
        // Copied out of the state above: one reference, so that it is not copied again.
        state = .over
        received += bytes
        do throws(HandshakeFault) {
            let answer = try received.withUnsafeBytes { bytes in
                Result { () throws(HandshakeFault) in try resumption.receive(bytes) }
            }.get()
            guard let answer else {
                state = .asking(resumption, received: received, isSessionsServer: isSessionsServer)
                guard received.count <= Self.maxReceived else {
                    return failed(
                        .incompatible("a message that is too long"),
                        hasMoreAddresses: hasMoreAddresses
                    )
                }
                return []
            }
            return [
                .attach(peerReceived: answer.received, received: Array(received.dropFirst(answer.consumed)))
            ]
        } catch {
            state = .asking(resumption, received: received, isSessionsServer: isSessionsServer)
            return failed(LinkFailure(resuming: error), hasMoreAddresses: hasMoreAddresses)
        }
    }

    /// The connection or this end failed.
    mutating func failed(_ failure: LinkFailure, hasMoreAddresses: Bool) -> [Action] {
        let isSessionsServer: Bool
        switch state {
        case .over: return []
        case .asking(_, _, let answersForSession): isSessionsServer = answersForSession
        case .idle, .connecting: isSessionsServer = false
        }
        // The server that had the session says that it has it no more: nobody has. Another server may never have had it.
        if failure == .sessionGone, isSessionsServer {
            state = .over
            return [.close, .fail(failure)]
        }
        let told = failure == .sessionGone ? LinkFailure.sessionElsewhere : failure
        refusal = told
        guard hasMoreAddresses else {
            state = .over
            return [.close, .fail(told)]
        }
        state = .connecting
        return [.close, .connect]
    }
}

extension LinkFailure {
    /// The failure of a request to resume a session.
    fileprivate init(resuming fault: HandshakeFault) {
        switch fault {
        case .rejected(.noSession, _): self = .sessionGone
        // No password is asked for here: a server that cannot prove the session does not have it.
        case .authentication, .rejected(.authentication, _):
            self = .incompatible("what answers cannot prove that it has the session")
        default: self = LinkFailure(fault)
        }
    }
}
