package import EventIO

/// What became of a link that a stranger made to us.
package enum GreetingResult {
    /// The client has proved itself: here is the session, which has not started yet.
    case session(PeerSession)
    /// The client has proved that it has a session: the link was handed to the loop that has it.
    case handedOver
    /// Nothing came of it.
    case refused(GreetingFailure)
}

/// Why nothing came of a link: for the log.
package struct GreetingFailure: Sendable {
    /// Where the link came from.
    package let remote: SocketAddress
    /// The reason as one word.
    package let reason: String
    /// What is known about it.
    package let text: String
    /// The user that it claimed to be, if there is such a user.
    package let user: String?
    /// Whether it counts as a wrong password.
    package let isWrongGuess: Bool
}
