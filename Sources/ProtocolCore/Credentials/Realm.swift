import Basics
package import CryptoPrimitives
package import Vocabulary
import WireCoding

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
