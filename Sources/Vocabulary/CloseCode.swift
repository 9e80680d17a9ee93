/// The reason for closing a session, as CLOSE carries it (PROTOCOL.md, Codes).
///
/// A number that this version does not know keeps its value: it is only reported.
package struct CloseCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// An orderly end.
    package static let none = CloseCode(rawValue: 0x00)
    /// The closing end had an internal error.
    package static let internalError = CloseCode(rawValue: 0x01)
    /// A frame, or its position, broke a rule of the protocol.
    package static let protocolError = CloseCode(rawValue: 0x02)
    /// The peer sent more than its credit.
    package static let flowControl = CloseCode(rawValue: 0x03)
    /// A frame is not allowed in the state of its stream.
    package static let streamState = CloseCode(rawValue: 0x04)
    /// A record is longer than the ends agreed.
    package static let recordSize = CloseCode(rawValue: 0x05)
    /// Too many records could not be opened.
    package static let badRecord = CloseCode(rawValue: 0x06)
    /// A key was used beyond its limit.
    package static let keyLimit = CloseCode(rawValue: 0x07)
    /// Strange but legal behaviour used up the abuse budget.
    package static let limit = CloseCode(rawValue: 0x08)
    /// The session was idle for too long.
    package static let idle = CloseCode(rawValue: 0x09)
    /// The process is stopping.
    package static let shutdown = CloseCode(rawValue: 0x0A)
    /// The user is no longer allowed to have a session.
    package static let revoked = CloseCode(rawValue: 0x0B)
    /// The peer asked for something that this end does not support.
    package static let unsupported = CloseCode(rawValue: 0x0C)

    /// The code's name in PROTOCOL.md, in lower case, or its number.
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
