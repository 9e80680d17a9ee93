import ProtocolCore
import Vocabulary

/// Decides how one attempt to resume a session proceeds.
///
/// The attempt tries the addresses of the peer until one server takes the session back or no address is left.
///
/// ```
/// idle ──► connecting ──► asking ──answer──► over: resumed
///              ▲             │
///              └─ next address ──none left──► over: failed
/// ```
/// Pure: events go in, actions come out.
struct ResumptionAttemptStateMachine {
    /// A step that the shell takes next, in the order of the array.
    enum Action {
        /// Connect to the next address, then call ``connected(_:isSessionsServer:)`` or ``connectingFailed(_:)``.
        case connect
        /// Start the deadline of the answer.
        case startDeadline
        /// Send this message.
        case send([UInt8])
        /// Close this connection.
        case close
        /// Move the session to this connection. `peerReceived` is the number of records that the peer has received; `received`
        /// holds bytes of records that have arrived.
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
    /// The failure of the last connection; the other addresses may belong to other servers.
    private var refusal: LinkFailure?

    /// The maximum number of bytes that are read before the answer is complete: a message of the largest size.
    ///
    /// This bounds what a server can make this end hold before it has proved the session. Records may follow the answer at once.
    private static let maxReceived = HandshakeFrame.headerCount + HandshakeFrame.maxBody

    init() {}

    /// Whether the attempt has succeeded or failed.
    var isOver: Bool {
        if case .over = state { true } else { false }
    }

    /// Starts the attempt.
    mutating func start() -> [Action] {
        guard case .idle = state else { return [] }
        state = .connecting
        return [.connect]
    }

    /// The connection is established.
    ///
    /// - Parameters:
    ///   - resumption: the request, with a new attempt number.
    ///   - isSessionsServer: whether the connection goes to the address of the session's last link.
    /// - Returns: the steps that the shell takes next.
    mutating func connected(_ resumption: ClientResumption, isSessionsServer: Bool) -> [Action] {
        guard case .connecting = state else { return [] }
        state = .asking(resumption, received: [], isSessionsServer: isSessionsServer)
        return [.startDeadline, .send(resumption.message)]
    }

    /// No address is left that accepts a connection.
    mutating func connectingFailed(_ failure: LinkFailure) -> [Action] {
        guard case .connecting = state else { return [] }
        state = .over
        return [.fail(refusal ?? failure)]
    }

    /// Bytes have arrived from the server.
    mutating func received(_ bytes: UnsafeRawBufferPointer, hasMoreAddresses: Bool) -> [Action] {
        guard case .asking(let resumption, var received, let isSessionsServer) = state else { return [] }
        // `received` was taken out of the state; with only one reference left, appending does not copy it.
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
                        .incompatible("message too long"),
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
        // If the server that had the session says that it does not have it any more, no server has it. Another server may never
        // have had it.
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
        // A resumption involves no password: a server that cannot prove the session does not have it.
        case .authentication, .rejected(.authentication, _):
            self = .incompatible("the server cannot prove that it has the session")
        default: self = LinkFailure(fault)
        }
    }
}
