package import EventIO

/// The result of accepting a link.
package enum AcceptanceResult {
    /// The client has proved to be a user; the session has not started yet.
    case session(PeerSession)
    /// The client has proved that it has a session; the link was handed to the session's loop.
    case handedOver
    /// The link was refused.
    case refused(RefusedLink)
}

/// A link that was refused, for the log.
package struct RefusedLink: Sendable {
    /// The address that the link came from.
    package let remote: SocketAddress
    /// The reason as one word.
    package let reason: String
    /// The reason as a clause.
    package let text: String
    /// The user that the client named, if there is such a user.
    package let user: String?
    /// Whether the link counts as a guess at a password.
    package let isWrongGuess: Bool
}
