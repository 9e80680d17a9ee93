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
