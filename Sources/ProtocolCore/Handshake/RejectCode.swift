/// The reason why a server rejected a hello before authentication: a hint, never a proof (PROTOCOL.md, Reject).
package struct RejectCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// No common protocol version.
    package static let version = RejectCode(rawValue: 1)
    /// No common suite.
    package static let suite = RejectCode(rawValue: 2)
    /// Too many handshakes at once: the client may try again later.
    package static let busy = RejectCode(rawValue: 3)
    /// The confirmation was wrong.
    package static let authentication = RejectCode(rawValue: 4)
    /// The handshake took too long.
    package static let timeout = RejectCode(rawValue: 5)
    /// There is no such session to resume.
    package static let noSession = RejectCode(rawValue: 6)

    /// The code's name in PROTOCOL.md, in lower case, or its number.
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
