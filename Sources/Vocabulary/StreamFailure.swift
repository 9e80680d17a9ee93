/// The reason why a stream did not open, or ended before both of its directions had finished (PROTOCOL.md, Codes).
///
/// The same type is used from the wire to the log. RESET carries ``code``; OPEN_RESULT carries ``code`` and ``detail``.
package enum StreamFailure: Error, Hashable, Sendable {
    /// The end that resets no longer needs the stream.
    case cancelled
    /// The target refused the connection, with the system's error number; 0 if none is known.
    case refused(Int32)
    /// A time limit passed.
    case timeout
    /// The target is unreachable, with the system's error number; 0 if none is known.
    case unreachable(Int32)
    /// The target's name does not resolve to an address.
    case unresolved
    /// The server has no service of that name.
    case noService
    /// The user is not allowed to open this service.
    case forbidden
    /// The peer processed nothing of the stream; it is safe to open it again elsewhere.
    case notProcessed
    /// The connection of the visitor or of the target was reset.
    case peerReset
    /// A limit was reached, and nothing of the stream was processed.
    case limit
    /// The end that resets is shutting down.
    case shutdown
    /// A code that this version does not know.
    case unknown(UInt16)

    /// The failure that a code from the wire stands for.
    ///
    /// - Parameters:
    ///   - code: the number in RESET or OPEN_RESULT; never ``connected``.
    ///   - detail: the peer's `errno`, 0 if there is none; only two codes use it.
    package init(code: UInt16, detail: UInt32 = 0) {
        switch code {
        case 0x100: self = .cancelled
        case 0x101: self = .refused(Int32(clamping: detail))
        case 0x102: self = .timeout
        case 0x103: self = .unreachable(Int32(clamping: detail))
        case 0x104: self = .unresolved
        case 0x105: self = .noService
        case 0x106: self = .forbidden
        case 0x107: self = .notProcessed
        case 0x108: self = .peerReset
        case 0x109: self = .limit
        case 0x10A: self = .shutdown
        default: self = .unknown(code)
        }
    }

    /// The number on the wire.
    package var code: UInt16 {
        switch self {
        case .cancelled: 0x100
        case .refused: 0x101
        case .timeout: 0x102
        case .unreachable: 0x103
        case .unresolved: 0x104
        case .noService: 0x105
        case .forbidden: 0x106
        case .notProcessed: 0x107
        case .peerReset: 0x108
        case .limit: 0x109
        case .shutdown: 0x10A
        case .unknown(let code): code
        }
    }

    /// The system's error number that belongs to the failure; 0 if there is none.
    package var detail: UInt32 {
        switch self {
        case .refused(let number), .unreachable(let number): UInt32(clamping: number)
        default: 0
        }
    }

    /// The code of an OPEN_RESULT that reports success.
    package static let connected: UInt16 = 0

    /// The code's name in PROTOCOL.md, in lower case, or its number.
    package var codeName: String {
        switch self {
        case .cancelled: "cancelled"
        case .refused: "refused"
        case .timeout: "timeout"
        case .unreachable: "unreachable"
        case .unresolved: "resolve"
        case .noService: "no-service"
        case .forbidden: "forbidden"
        case .notProcessed: "not-processed"
        case .peerReset: "peer-reset"
        case .limit: "limit"
        case .shutdown: "shutdown"
        case .unknown(0): "connected"
        case .unknown(let code): "code-\(code)"
        }
    }
}
