public import FoundationEssentials

/// An event of a server's connection, or of a client that was rejected or paired.
public struct ConnectionEvent: Sendable {
    /// The kind of an event.
    public enum Kind: Sendable {
        /// A client has logged in.
        case connected
        /// A client has used a pairing code and got a password for the user.
        case paired
        /// A client was rejected; the reason is, for example, a wrong password, another protocol, or no data received.
        case refused(reason: String)
        /// The link was lost; the connection waits for another one.
        case interrupted(reason: String)
        /// The connection resumed over another link.
        case resumed
        /// The connection is over; the error is the reason.
        case disconnected(SallyportError)
    }

    /// The kind of the event.
    public let kind: Kind
    /// The client's address.
    public let address: String
    /// The user that the client has proved to be, or that a rejected client claimed to be; `nil` if it is not known.
    public let user: String?
    /// The connection's token; `nil` if the client was rejected or paired.
    public let token: ConnectionToken?
    /// The time of the event.
    public let time: Date
}
