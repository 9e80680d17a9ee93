package import Vocabulary

/// A violation of the protocol by the peer, in records that the peer really sealed.
///
/// CLOSE carries the code and the text to the peer; each kind of violation has one close code.
package struct ProtocolViolation: Error, Equatable, Sendable {
    /// The close code that the peer receives.
    package let code: CloseCode
    /// The rule that the peer broke, as text for people.
    package let reason: String

    /// Bytes that cannot be parsed as what they claim to be.
    static func malformed(_ reason: String) -> Self { Self(code: .protocolError, reason: reason) }
    /// A frame in a place where it is not allowed.
    static func misplaced(_ reason: String) -> Self { Self(code: .protocolError, reason: reason) }
    /// More bytes than the credit allowed.
    static func overCredit(_ reason: String) -> Self { Self(code: .flowControl, reason: reason) }
    /// A frame that is not allowed in the state of its stream.
    static func streamState(_ reason: String) -> Self { Self(code: .streamState, reason: reason) }
    /// More than a limit allows, such as the abuse budget.
    static func limit(_ reason: String) -> Self { Self(code: .limit, reason: reason) }
    /// A feature of another version.
    static func unsupported(_ reason: String) -> Self { Self(code: .unsupported, reason: reason) }
    /// More links lost to damaged records than network errors can explain.
    static let badRecords = Self(code: .badRecord, reason: "too many links were lost to damaged records")
    /// A key that the peer used beyond its limits.
    static let keyLimit = Self(code: .keyLimit, reason: "the peer did not change its key in time")
}
