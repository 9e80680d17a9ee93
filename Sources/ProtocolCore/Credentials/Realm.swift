import Basics
package import CryptoPrimitives
package import Vocabulary
import WireCoding

/// The scope in which a user's name is valid: the name of a password file, which salts everything in the file.
package struct Realm: Hashable, Sendable {
    /// 1 to 255 bytes of UTF-8 without control characters; `idVerifier` of RFC 9383.
    ///
    /// It is never empty: an empty realm would let a key be shared unknowingly. It is text, because a client receives it from a
    /// server that is not authenticated yet, and writes it into its log.
    package let bytes: [UInt8]

    /// Creates a realm, or `nil` if the bytes are not valid.
    package init?(_ bytes: [UInt8]) {
        guard (1...255).contains(bytes.count), let text = String(validating: bytes, as: UTF8.self),
            !text.unicodeScalars.contains(where: \.isControl)
        else { return nil }
        self.bytes = bytes
    }

    /// Creates a realm from text, or `nil` if the text is not valid.
    package init?(_ text: String) {
        self.init(Array(text.utf8))
    }

    /// The realm as text.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The hint in a hello, which tells realms apart without naming them: eight bytes computed from the realm and the cost.
    package func hint(cost: ScryptCost) -> [UInt8] {
        var message = Array("sally1 realm\0".utf8)
        message.append(lengthPrefixed: bytes)
        message.append(lengthPrefixed: cost.text.utf8)
        return Array(Digest.sha512(message).prefix(Self.hintCount))
    }

    /// The hint of a client that does not know the realm yet.
    package static let noHint = [UInt8](repeating: 0, count: hintCount)
    /// The size of a hint, in bytes.
    package static let hintCount = 8
}

/// The key by which a server looks a user up: sixteen bytes of fixed size, so that no name goes over the wire.
package struct ClientTag: Hashable, Sendable {
    /// Sixteen bytes.
    package let bytes: [UInt8]

    /// The size of a tag, in bytes.
    package static let count = 16

    /// The tag of this identity in this realm.
    package init(_ identity: Identity, in realm: Realm) {
        var message = Array("sally1 tag\0".utf8)
        message.append(lengthPrefixed: realm.bytes)
        message.append(lengthPrefixed: identity.bytes)
        bytes = Array(Digest.sha512(message).prefix(Self.count))
    }

    /// Takes a received tag, or returns `nil` if it has another size.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.count else { return nil }
        self.bytes = Array(bytes)
    }
}
