import Basics

/// Who a client is: a user and the number of the password (PROTOCOL.md, Identities).
///
/// Two passwords of a user can be valid at a time, so that a password is changed without a moment in which nobody can log in.
/// One rule for the handshake, password files, `tunnel.conf`, command lines and the library.
package struct Identity: Hashable, Sendable {
    /// 1 to 64 bytes of UTF-8 without `/`, `,` and characters that a reader cannot see, and without a blank at either end.
    ///
    /// PROTOCOL.md forbids control characters only; but two users must not look the same in a log.
    package let user: String
    /// Which of the user's passwords: 1 to 255.
    package let passwordNumber: UInt8

    /// The longest name of a user, in bytes of UTF-8.
    ///
    /// Longer, and one name fills a log line. Shorter, and mail addresses do not fit.
    package static let maxUserBytes = 64

    /// An identity.
    ///
    /// - Throws: why there can be no such identity.
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
    ///   - text: the user, and the number of the password behind a slash.
    ///   - isWord: whether the user must be one word; see ``error(inUser:asWord:)``.
    /// - Throws: why there can be no such identity, and how to write it.
    package init(_ text: String, asWord isWord: Bool = false) throws(IdentityError) {
        // In scalars: a combining mark behind the slash must not hide it.
        let parts = text.unicodeScalars.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let user = parts.first.map { String($0) } ?? ""
        if let error = Self.error(inUser: user, asWord: isWord) { throw error }
        guard parts.count == 2 else {
            try self.init(user: user)
            return
        }
        let digits = String(parts[1])
        // Digits only, and no leading zero: each identity has one text.
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

    /// Stands where there is no identity, so that what follows can be checked all the same.
    package static let placeholder = Identity(unchecked: "-")

    /// Checks the name of a user.
    ///
    /// - Parameters:
    ///   - user: the name.
    ///   - isWord: whether the name must be one word, without blanks and quotation marks. Command lines and `tunnel.conf` ask for
    ///     it: `allow = alice bob` has lost a comma, and must not mean a user whom nobody knows. The protocol, password files
    ///     and programs that use the library do not.
    /// - Returns: why the text cannot be the name of a user; `nil` if it can.
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

    /// `alice/1`: the form that goes into every key.
    package var name: String { "\(user)/\(passwordNumber)" }

    /// The form for people: `alice`, or `alice/2` for another than the first password.
    package var text: String { passwordNumber == 1 ? user : name }

    /// `idProver` of RFC 9383.
    package var bytes: [UInt8] { Array(name.utf8) }
}

/// Why a text is not an identity.
package struct IdentityError: Error, Hashable, Sendable {
    /// What is wrong, as a clause in lower case without a full stop.
    package let message: String
    /// How to write it instead; `nil` where nothing better is known.
    package let hint: String?

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}
