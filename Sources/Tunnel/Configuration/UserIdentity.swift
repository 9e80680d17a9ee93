/// As whom a peer logs in: a user, and which of that user's passwords is meant.
///
/// Text form: `alice` or `alice/2`; `alice` means `alice/1`. Two passwords of a user can be valid at one time, so that a
/// password is changed without a moment in which nobody can log in.
package struct UserIdentity: Hashable, Sendable, CustomStringConvertible {
    /// 1 to 64 bytes of UTF-8 without white space, control characters, `/`, `,` and `"`.
    package var name: String
    /// The number of the password, 1 to 255.
    package var kid: UInt8

    /// A user as given; whether there can be such a user is checked by `TunnelConfiguration.init`.
    package init(name: String, kid: UInt8 = 1) {
        self.name = name
        self.kid = kid
    }

    /// Reads the text form.
    ///
    /// - Throws: what is wrong with it, and how to write it.
    package init(parsing text: String) throws(UserIdentityFault) {
        let parts = text.unicodeScalars.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.first.map { String($0) } ?? ""
        if let fault = Self.fault(inName: name) { throw fault }
        self.name = name
        guard parts.count == 2 else {
            kid = 1
            return
        }
        let digits = String(parts[1])
        // Digits only, and none in front that mean nothing: one identity has one text.
        guard let kid = UInt8(digits), kid > 0, String(kid) == digits else {
            throw UserIdentityFault(
                "behind the `/` of a user there is a password number from 1 to 255",
                hint: "write `\(name)/2`"
            )
        }
        self.kid = kid
    }

    /// Reports why a text cannot be the name of a user, or nil if it can.
    package static func fault(inName name: String) -> UserIdentityFault? {
        guard !name.isEmpty else { return UserIdentityFault("the name of the user is empty") }
        guard name.utf8.count <= longestName else {
            return UserIdentityFault(
                "the name of a user has at most \(longestName) bytes, and this has \(name.utf8.count)"
            )
        }
        for character in name.unicodeScalars {
            // Two users must not look the same in a log, and a log line must not be cut in the middle of a user.
            guard !isInvisible(character), character != " ", !reserved.contains(character) else {
                let shown = isInvisible(character) ? character.escaped(asASCII: true) : String(character)
                return UserIdentityFault("`\(shown)` cannot be in the name of a user")
            }
        }
        return nil
    }

    /// The text form, with the number only where it is not 1.
    package var description: String {
        kid == 1 ? name : "\(name)/\(kid)"
    }

    /// The protocol has room for this many bytes.
    package static let longestName = 64
    /// What separates users from their numbers, from each other in a list, and from the text around them.
    private static let reserved: Set<Unicode.Scalar> = ["/", ",", "\""]
}

/// Why a text is not a user.
package struct UserIdentityFault: Error, Hashable, Sendable {
    /// What is wrong, as a clause in lower case without a full stop.
    package let message: String
    /// How to write it instead, where that is known.
    package let hint: String?

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}
