import Basics

/// The identity of a client: a user and the number of the password (PROTOCOL.md, Identities).
///
/// Two passwords of a user can be valid at the same time, so that a password can be changed while the user can always log in.
/// The handshake, password files, `tunnel.conf`, command lines and the library share this one set of rules.
package struct Identity: Hashable, Sendable {
    /// The name: 1 to 64 bytes of UTF-8 without `/`, `,` and misleading characters, and without a blank at either end.
    ///
    /// PROTOCOL.md forbids control characters only. The other rules make sure that no two users look the same in a log.
    package let user: String
    /// The number of the user's password, 1 to 255.
    package let passwordNumber: UInt8

    /// The maximum length of a user's name, in bytes of UTF-8.
    ///
    /// Larger: one name fills a log line. Smaller: mail addresses do not fit.
    package static let maxUserBytes = 64

    /// Creates an identity after checking its parts.
    ///
    /// - Throws: the reason why the parts are not an identity.
    package init(user: String, passwordNumber: UInt8 = 1) throws(IdentityError) {
        if let error = Self.error(inUser: user) { throw error }
        guard passwordNumber > 0 else {
            throw IdentityError("the number of a password is 1 to 255")
        }
        self.user = user
        self.passwordNumber = passwordNumber
    }

    /// Reads the text form: `alice`, which is `alice/1`, or `alice/2`.
    ///
    /// - Parameters:
    ///   - text: the user, optionally followed by a slash and the number of the password.
    ///   - isWord: whether the user must be one word; see ``error(inUser:asWord:)``.
    /// - Throws: the reason why the text is not an identity, and how to correct it.
    package init(_ text: String, asWord isWord: Bool = false) throws(IdentityError) {
        // Split Unicode scalars, not characters: a combining mark after the slash would hide the slash in a character.
        let parts = text.unicodeScalars.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let user = parts.first.map { String($0) } ?? ""
        if let error = Self.error(inUser: user, asWord: isWord) { throw error }
        guard parts.count == 2 else {
            try self.init(user: user)
            return
        }
        let digits = String(parts[1])
        // Accept digits only, and no leading zero, so that each identity has exactly one text.
        guard let number = UInt8(digits), number > 0, String(number) == digits else {
            throw IdentityError(
                "behind the `/` of a user there is a password number from 1 to 255",
                hint: "write `\(user)/2`"
            )
        }
        try self.init(user: user, passwordNumber: number)
    }

    private init(unchecked user: String) {
        self.user = user
        passwordNumber = 1
    }

    /// A value for places where the identity could not be read, so that the checks after it can still run.
    package static let placeholder = Identity(unchecked: "-")

    /// Checks the name of a user.
    ///
    /// - Parameters:
    ///   - user: the name.
    ///   - isWord: whether the name must be one word, without blanks and quotation marks. Command lines and `tunnel.conf` require
    ///     it: `allow = alice bob` lacks a comma, and must not name a user who does not exist. The protocol, password files and
    ///     programs that use the library do not require it.
    /// - Returns: the reason why the text cannot be the name of a user; `nil` if it can.
    package static func error(inUser user: String, asWord isWord: Bool = false) -> IdentityError? {
        guard !user.isEmpty else { return IdentityError("the name of the user is empty") }
        guard user.utf8.count <= maxUserBytes else {
            return IdentityError(
                "the name of a user has at most \(maxUserBytes) bytes, and this has \(user.utf8.count)"
            )
        }
        for character in user.unicodeScalars
        where character.isMisleading || character == "/" || character == ","
            || (isWord && (character == " " || character == "\""))
        {
            return IdentityError("`\(String(character).quotable)` cannot be in the name of a user")
        }
        guard user.utf8.first != UInt8(ascii: " "), user.utf8.last != UInt8(ascii: " ") else {
            return IdentityError("the name of a user neither begins nor ends with a blank")
        }
        return nil
    }

    /// The form that enters the derivation of every key: `alice/1`.
    package var name: String { "\(user)/\(passwordNumber)" }

    /// The form that is shown: `alice`, or `alice/2` for any password but the first.
    package var text: String { passwordNumber == 1 ? user : name }

    /// `idProver` of RFC 9383.
    package var bytes: [UInt8] { Array(name.utf8) }
}

/// The reason why a text is not an identity.
package struct IdentityError: Error, Hashable, Sendable {
    /// The error, as a clause in lower case without a full stop.
    package let message: String
    /// A way to correct the text; `nil` if none is known.
    package let hint: String?

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}
