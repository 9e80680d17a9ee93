/// Why a session was closed, as the two ends tell each other (PROTOCOL.md, Codes).
///
/// A number that this version does not know is kept as it came: it is only reported.
package struct CloseCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// An orderly end.
    package static let none = CloseCode(rawValue: 0x00)
    /// The end that closes had a fault of its own.
    package static let internalError = CloseCode(rawValue: 0x01)
    /// A frame or its place broke a rule.
    package static let protocolError = CloseCode(rawValue: 0x02)
    /// More was sent than there was credit for.
    package static let flowControl = CloseCode(rawValue: 0x03)
    /// A frame for a stream that cannot take it.
    package static let streamState = CloseCode(rawValue: 0x04)
    /// A record longer than was agreed.
    package static let recordSize = CloseCode(rawValue: 0x05)
    /// Too many records that could not be opened.
    package static let badRecord = CloseCode(rawValue: 0x06)
    /// A key was used beyond its limit.
    package static let keyLimit = CloseCode(rawValue: 0x07)
    /// Patience with strange but legal behaviour ran out.
    package static let limit = CloseCode(rawValue: 0x08)
    /// Nothing happened for too long.
    package static let idle = CloseCode(rawValue: 0x09)
    /// The process is stopping.
    package static let shutdown = CloseCode(rawValue: 0x0A)
    /// The user may no longer be here.
    package static let revoked = CloseCode(rawValue: 0x0B)
    /// Something was asked for that this end does not do.
    package static let unsupported = CloseCode(rawValue: 0x0C)

    /// The code's name as PROTOCOL.md has it, in small letters, or its number.
    package var name: String {
        switch self {
        case .none: "none"
        case .internalError: "internal"
        case .protocolError: "protocol"
        case .flowControl: "flow-control"
        case .streamState: "stream-state"
        case .recordSize: "record-size"
        case .badRecord: "bad-record"
        case .keyLimit: "key-limit"
        case .limit: "limit"
        case .idle: "idle"
        case .shutdown: "shutdown"
        case .revoked: "revoked"
        case .unsupported: "unsupported"
        default: "code-\(rawValue)"
        }
    }
}

/// Why a stream ended other than by both directions finishing (PROTOCOL.md, Codes).
package struct StreamCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// In OPEN_RESULT: the target is connected.
    package static let connected = StreamCode(rawValue: 0)
    /// The end that resets has no use for the stream any more.
    package static let cancelled = StreamCode(rawValue: 0x100)
    /// The target refused the connection.
    package static let refused = StreamCode(rawValue: 0x101)
    /// Something took longer than it may.
    package static let timeout = StreamCode(rawValue: 0x102)
    /// The target cannot be reached.
    package static let unreachable = StreamCode(rawValue: 0x103)
    /// The target's name has no address.
    package static let resolve = StreamCode(rawValue: 0x104)
    /// There is no service of that name.
    package static let noService = StreamCode(rawValue: 0x105)
    /// The user may not open this service.
    package static let forbidden = StreamCode(rawValue: 0x106)
    /// Nothing of the stream was handled: it is safe to try it elsewhere.
    package static let notProcessed = StreamCode(rawValue: 0x107)
    /// The plain side's own connection was reset.
    package static let peerReset = StreamCode(rawValue: 0x108)
    /// The end that resets has reached a limit of its own: nothing was handled.
    package static let limit = StreamCode(rawValue: 0x109)
    /// The end that resets is stopping.
    package static let shutdown = StreamCode(rawValue: 0x10A)

    /// The code's name as PROTOCOL.md has it, in small letters, or its number.
    package var name: String {
        switch self {
        case .connected: "connected"
        case .cancelled: "cancelled"
        case .refused: "refused"
        case .timeout: "timeout"
        case .unreachable: "unreachable"
        case .resolve: "resolve"
        case .noService: "no-service"
        case .forbidden: "forbidden"
        case .notProcessed: "not-processed"
        case .peerReset: "peer-reset"
        case .limit: "limit"
        case .shutdown: "shutdown"
        default: "code-\(rawValue)"
        }
    }
}

/// Why a server turned a hello away before anything was authenticated: a hint, never proof (PROTOCOL.md, Reject).
package struct RejectCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// No common protocol version.
    package static let version = RejectCode(rawValue: 1)
    /// No common suite.
    package static let suite = RejectCode(rawValue: 2)
    /// Too many handshakes at once: come back later.
    package static let busy = RejectCode(rawValue: 3)
    /// The confirmation was wrong.
    package static let authentication = RejectCode(rawValue: 4)
    /// The handshake took too long.
    package static let timeout = RejectCode(rawValue: 5)
    /// There is no such session to attach to again.
    package static let noSession = RejectCode(rawValue: 6)

    /// The code's name as PROTOCOL.md has it, in small letters, or its number.
    package var name: String {
        switch self {
        case .version: "version"
        case .suite: "suite"
        case .busy: "busy"
        case .authentication: "authentication"
        case .timeout: "timeout"
        case .noSession: "no-session"
        default: "code-\(rawValue)"
        }
    }
}
