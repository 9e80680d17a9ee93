package import EventIO

/// What became of a link that was accepted.
package enum AcceptanceResult {
    /// The client has proved that it is a user: the session, which has not started yet.
    case session(PeerSession)
    /// The client has proved that it has a session: the link was handed to the loop that has it.
    case handedOver
    /// The link was refused.
    case refused(RefusedLink)
}

/// A link that was refused, for the log.
package struct RefusedLink: Sendable {
    /// Where the link came from.
    package let remote: SocketAddress
    /// The reason as one word.
    package let reason: String
    /// The reason as a clause.
    package let text: String
    /// The user that the client named, if there is such a user.
    package let user: String?
    /// Whether it counts as a wrong password.
    package let isWrongGuess: Bool
}
