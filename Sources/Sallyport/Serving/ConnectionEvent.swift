public import FoundationEssentials

/// Something that happened to a connection of a server, or to what might have become one.
public struct ConnectionEvent: Sendable {
    /// What happened.
    public enum Kind: Sendable {
        /// A client has logged in.
        case connected
        /// A client has been given a password for a user, by a code.
        case paired
        /// Nobody has logged in, for this reason: a wrong password, another protocol, silence.
        case refused(reason: String)
        /// The link was lost; the connection waits for another one.
        case interrupted(reason: String)
        /// The connection goes on over another link.
        case resumed
        /// The connection is over, for this reason.
        case disconnected(SallyportError)
    }

    /// What happened.
    public let kind: Kind
    /// Where the client is.
    public let address: String
    /// The user that the client has proved to be, or claimed to be when it was refused; `nil` when it is not known.
    public let user: String?
    /// Names the connection; `nil` when it was refused.
    public let token: ConnectionToken?
    /// When it happened.
    public let time: Date
}
