import Basics
package import CryptoPrimitives
package import Vocabulary
import WireCoding

/// A valid password: 1 to 1,024 bytes of UTF-8 without control characters.
///
/// It is never a `String`: Swift copies strings freely and does not wipe them. Passwords are compared by their bytes: a text that
/// looks the same but is composed of other Unicode characters is another password.
package struct Password: Sendable {
    /// The bytes that are stretched.
    package let bytes: SecretBytes

    /// The reason why bytes are not a valid password.
    package enum Fault: Error, Equatable {
        case empty
        case tooLong
        case notText
        case controlCharacter
    }

    /// The maximum length of a password, in bytes.
    ///
    /// A longer one is more likely the wrong file than a better secret.
    package static let longest = 1024

    /// Takes the bytes unchanged.
    package init(_ bytes: SecretBytes) throws(Fault) {
        guard bytes.count > 0 else { throw .empty }
        guard bytes.count <= Self.longest else { throw .tooLong }
        let fault = bytes.withUnsafeBytes { bytes -> Fault? in
            // The check decodes one character at a time, so that it leaves no copy of the text behind.
            var decoder = Unicode.UTF8()
            var iterator = bytes.makeIterator()
            while true {
                switch decoder.decode(&iterator) {
                case .scalarValue(let scalar):
                    if scalar.isControl { return .controlCharacter }
                case .emptyInput: return nil
                case .error: return .notText
                }
            }
        }
        if let fault { throw fault }
        self.bytes = bytes
    }

    /// Takes the content of a file or of standard input, without the newline at its end, if there is one.
    package init(contentOf content: SecretBytes) throws(Fault) {
        let count = content.withUnsafeBytes { bytes in
            guard bytes.last == 0x0A else { return bytes.count }
            return bytes.dropLast().last == 0x0D ? bytes.count - 2 : bytes.count - 1
        }
        try self.init(count == content.count ? content : content.slice(0..<count))
    }
}

/// The result of stretching a password: the two secret scalars of RFC 9383, section 3.2.
package struct StretchedPassword: Sendable {
    /// The scalar that both ends know, 66 bytes.
    package let w0: SecretBytes
    /// The scalar that only the holder of the password knows, 66 bytes.
    package let w1: SecretBytes

    /// Takes scalars that were computed earlier.
    package init(w0: SecretBytes, w1: SecretBytes) {
        self.w0 = w0
        self.w1 = w1
    }

    /// Stretches a password (PROTOCOL.md, Stretching).
    ///
    /// It deliberately takes about 0.4 s and 128 MiB at the usual cost: never call it on an event loop.
    package init(
        _ password: Password,
        identity: Identity,
        realm: Realm,
        cost: ScryptCost
    ) throws(CryptoFailure) {
        let name = identity.bytes
        var framing: [UInt8] = []
        framing.append(lengthPrefixed: name)
        framing.append(lengthPrefixed: realm.bytes)
        let count = password.bytes.count
        let input = SecretBytes(count: 8 + count + framing.count) { space in
            space.storeBytes(of: UInt64(count).littleEndian, as: UInt64.self)
            password.bytes.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(rebasing: space[8...]).copyMemory(from: $0)
            }
            UnsafeMutableRawBufferPointer(rebasing: space[(8 + count)...]).copyBytes(from: framing)
        }
        let wide = try PasswordHash.scrypt(
            password: input,
            salt: Array("sally1 scrypt".utf8),
            cost: cost,
            count: 2 * Self.wideCount
        )
        let w0 = try P521.Scalar(reducing: wide.slice(0..<Self.wideCount))
        let w1 = try P521.Scalar(reducing: wide.slice(Self.wideCount..<2 * Self.wideCount))
        self.init(w0: w0.bytes, w1: w1.bytes)
    }

    /// 656 bits, reduced to a scalar of 521 bits: the result is uniform to within 2^-135.
    ///
    /// RFC 9383 requires at least 74 bytes.
    private static let wideCount = 82
}

extension ScryptCost {
    /// The cost that `sallyport passwd` uses: 128 MiB and about 0.4 s for each guess.
    ///
    /// Half of it: half the work for a thief. Double: too much memory for small routers.
    package static var standard: ScryptCost { ScryptCost(logN: 17, r: 8, p: 1) }
}
