package import Vocabulary

/// What the peer did wrong, inside records that are really its own.
///
/// Each kind has one close code, and that is all that the peer learns; the text is for our log.
package struct ProtocolViolation: Error, Equatable, Sendable {
    /// What the peer is told.
    package let code: CloseCode
    /// What rule was broken, for people.
    package let reason: String

    /// Bytes that cannot be read as what they claim to be.
    static func malformed(_ reason: String) -> Self { Self(code: .protocolError, reason: reason) }
    /// A frame in a place where it may not be.
    static func misplaced(_ reason: String) -> Self { Self(code: .protocolError, reason: reason) }
    /// More than the credit allowed.
    static func overCredit(_ reason: String) -> Self { Self(code: .flowControl, reason: reason) }
    /// A frame that its stream cannot take.
    static func streamState(_ reason: String) -> Self { Self(code: .streamState, reason: reason) }
    /// Strange but legal things too often.
    static func limit(_ reason: String) -> Self { Self(code: .limit, reason: reason) }
    /// A feature of another version.
    static func unsupported(_ reason: String) -> Self { Self(code: .unsupported, reason: reason) }
    /// Records that could not be opened, more often than the network has an excuse for.
    static let badRecords = Self(code: .badRecord, reason: "too many links were lost to damaged records")
    /// A key used for longer than it is good for.
    static let keyLimit = Self(code: .keyLimit, reason: "the peer did not change its key in time")
}
