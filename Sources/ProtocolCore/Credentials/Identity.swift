package import CryptoPrimitives
import WireCoding

/// Who a peer is: a user and the number of the password, so that two passwords can be valid while one replaces
/// the other (PROTOCOL.md, Identities).
package struct Identity: Hashable, Sendable {
    /// 1 to 64 bytes of UTF-8, without control characters, `/` and `,`.
    package let user: String
    /// Which of the user's passwords: 1 to 255.
    package let passwordNumber: UInt8

    /// How many bytes a user's name may have: it goes into every log line.
    package static let longestUser = 64

    /// An identity, or `nil` when the user's name cannot be one.
    package init?(user: String, passwordNumber: UInt8 = 1) {
        guard Self.isAcceptable(user: user), passwordNumber > 0 else { return nil }
        self.user = user
        self.passwordNumber = passwordNumber
    }

    /// Reads `alice` (which is `alice/1`) or `alice/2`.
    package init?(_ text: String) {
        guard let slash = text.lastIndex(of: "/") else {
            self.init(user: text)
            return
        }
        let number = text[text.index(after: slash)...]
        guard number.utf8.first != UInt8(ascii: "0"), number.utf8.first != UInt8(ascii: "+"),
            let passwordNumber = UInt8(number)
        else { return nil }
        self.init(user: String(text[..<slash]), passwordNumber: passwordNumber)
    }

    /// `alice/1`: the form that goes into every key.
    package var name: String { "\(user)/\(passwordNumber)" }

    /// The form for people: `alice`, or `alice/2` for another than the first password.
    package var text: String { passwordNumber == 1 ? user : name }

    /// `idProver` of RFC 9383.
    package var bytes: [UInt8] { Array(name.utf8) }

    private static func isAcceptable(user: String) -> Bool {
        let length = user.utf8.count
        guard (1...longestUser).contains(length) else { return false }
        guard user.utf8.first != UInt8(ascii: " "), user.utf8.last != UInt8(ascii: " ") else { return false }
        return user.unicodeScalars.allSatisfy { scalar in
            !scalar.isControl && scalar != "/" && scalar != ","
        }
    }
}

/// Where a user's name is valid: the name of a password file, which serves as the salt of everything in it.
package struct Realm: Hashable, Sendable {
    /// 1 to 255 bytes of UTF-8 without control characters; `idVerifier` of RFC 9383.
    ///
    /// Never empty: an empty one would let a key be shared unknowingly. Text, because a client is told it by
    /// whoever answers, and writes it into its log.
    package let bytes: [UInt8]

    /// A realm, or `nil` when the bytes cannot be one.
    package init?(_ bytes: [UInt8]) {
        guard (1...255).contains(bytes.count), let text = String(validating: bytes, as: UTF8.self),
            !text.unicodeScalars.contains(where: \.isControl)
        else { return nil }
        self.bytes = bytes
    }

    /// A realm from text, or `nil` when the text cannot be one.
    package init?(_ text: String) {
        self.init(Array(text.utf8))
    }

    /// The realm as text.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Tells two realms apart in a hello without naming either: eight bytes over realm and cost.
    package func hint(cost: ScryptCost) -> [UInt8] {
        var message = Array("sally1 realm\0".utf8)
        message.append(lengthPrefixed: bytes)
        message.append(lengthPrefixed: cost.text.utf8)
        return Array(Digest.sha512(message).prefix(Self.hintCount))
    }

    /// What a client sends in place of a hint when it does not know the realm yet.
    package static let noHint = [UInt8](repeating: 0, count: hintCount)
    /// The size of a hint.
    package static let hintCount = 8
}

/// What a server looks a user up by: sixteen bytes of fixed size, so that no name is on the wire.
package struct ClientTag: Hashable, Sendable {
    /// Sixteen bytes.
    package let bytes: [UInt8]

    /// The size of a tag.
    package static let count = 16

    /// The tag that this identity has in this realm.
    package init(_ identity: Identity, in realm: Realm) {
        var message = Array("sally1 tag\0".utf8)
        message.append(lengthPrefixed: realm.bytes)
        message.append(lengthPrefixed: identity.bytes)
        bytes = Array(Digest.sha512(message).prefix(Self.count))
    }

    /// A tag as it came, or `nil` when it has another size.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.count else { return nil }
        self.bytes = Array(bytes)
    }
}
