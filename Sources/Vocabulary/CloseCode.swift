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
