package import CryptoPrimitives
package import Vocabulary

/// The text form of a password file: a realm, a cost, and one line for each verifier.
///
/// ```
/// # a comment
/// realm = example.net#7c1f93ab52e0d417
/// cost  = scrypt:17:8:1
/// alice/1 = <930 hexadecimal digits: w0, L, w0·M and w0·N>
/// ```
/// The file holds the products, which could be computed, so that loading many users needs no multiplications on the curve.
package struct VerifierText: Sendable {
    /// The realm in which the users are valid.
    package var realm: Realm
    /// The cost at which their passwords were stretched.
    package var cost: ScryptCost
    /// The verifiers, one for each user and password number, in the order of the file.
    package var verifiers: [Verifier]

    package init(realm: Realm, cost: ScryptCost, verifiers: [Verifier]) {
        self.realm = realm
        self.cost = cost
        self.verifiers = verifiers
    }

    /// The reason why a text cannot be parsed, with the number of the line.
    package struct Fault: Error, Hashable, Sendable {
        /// The number of the line, counted from 1; 0 for the text as a whole.
        package let line: Int
        /// The error, without a secret.
        package let reason: String
    }

    /// Whether a line of the file can hold this identity: its name must not begin with `#` or contain `=`.
    package static func canHold(_ identity: Identity) -> Bool {
        identity.user.utf8.first != UInt8(ascii: "#") && !identity.user.utf8.contains(UInt8(ascii: "="))
    }

    /// The maximum number of bytes of a file that are read: some sixteen thousand users.
    package static let maxBytes = 16 << 20

    /// Parses a text, without leaving copies of it.
    package init(_ text: [UInt8]) throws(Fault) {
        var realm: Realm?
        var cost: ScryptCost?
        verifiers = []
        var seen: Set<Identity> = []
        for (index, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            let number = index + 1
            let content = Self.trimmed(line)
            guard let first = content.first, first != UInt8(ascii: "#") else { continue }
            guard let equals = content.firstIndex(of: UInt8(ascii: "=")) else {
                throw Fault(line: number, reason: "`=` is missing")
            }
            let name = String(decoding: Self.trimmed(content[..<equals]), as: UTF8.self)
            let value = Self.trimmed(content[(equals + 1)...])
            switch name {
            case "realm":
                guard realm == nil, let read = Realm(Array(value)) else {
                    throw Fault(line: number, reason: "the file must have one realm, of 1 to 255 bytes")
                }
                realm = read
            case "cost":
                guard cost == nil, let read = ScryptCost(text: String(decoding: value, as: UTF8.self)) else {
                    throw Fault(
                        line: number,
                        reason: "the file must have one cost, such as \(ScryptCost.standard.text)"
                    )
                }
                cost = read
            default:
                let identity: Identity
                do throws(IdentityError) { identity = try Identity(name) } catch {
                    throw Fault(line: number, reason: error.message)
                }
                guard seen.insert(identity).inserted else {
                    throw Fault(line: number, reason: "\(identity.name) occurs twice")
                }
                verifiers.append(try Self.verifier(identity, value, line: number))
            }
        }
        guard let realm, let cost else { throw Fault(line: 0, reason: "the realm or the cost is missing") }
        self.realm = realm
        self.cost = cost
    }

    /// The text as bytes.
    ///
    /// It is secret: its holder can impersonate the server.
    package var encoded: [UInt8] {
        var text = Array(
            """
            # Sallyport password verifiers, not the passwords themselves. Anyone who has this file can impersonate the
            # server to these users and can guess passwords offline, so keep it secret (mode 0600).

            """.utf8
        )
        // An array that grows leaves copies of its content behind.
        text.reserveCapacity(text.count + 512 + verifiers.count * (Self.digitCount + 128))
        text += Array("realm = \(realm.text)\ncost = \(cost.text)\n".utf8)
        for verifier in verifiers {
            text += Array("\(verifier.identity.name) = ".utf8)
            verifier.w0.withUnsafeBytes { Self.appendHex($0, to: &text) }
            for part in [verifier.point, verifier.blind, verifier.unblind] {
                part.withUnsafeBytes { Self.appendHex($0, to: &text) }
            }
            text.append(UInt8(ascii: "\n"))
        }
        return text
    }

    /// The number of hexadecimal digits of a verifier in the file.
    private static var digitCount: Int { 2 * (P521.scalarCount + 3 * P521.pointCount) }

    private static func verifier(
        _ identity: Identity,
        _ digits: ArraySlice<UInt8>,
        line: Int
    ) throws(Fault) -> Verifier {
        let point = P521.pointCount
        guard digits.count == digitCount, var bytes = bytes(digits) else {
            throw Fault(line: line, reason: "the verifier of \(identity.name) is damaged")
        }
        defer { SecretBytes.wipe(&bytes) }
        let parts = (0..<3).map { Array(bytes[(P521.scalarCount + $0 * point)...].prefix(point)) }
        let w0 = bytes.withUnsafeBytes {
            SecretBytes(copying: UnsafeRawBufferPointer(rebasing: $0.prefix(P521.scalarCount)))
        }
        // A value that is not on the curve would make every login fail, or worse.
        guard (try? P521.Scalar(w0)) != nil, parts.allSatisfy({ (try? P521.Point(encoded: $0)) != nil })
        else {
            throw Fault(line: line, reason: "the verifier of \(identity.name) is damaged")
        }
        return Verifier(identity: identity, w0: w0, point: parts[0], blind: parts[1], unblind: parts[2])
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
        let front = bytes.drop(while: isBlank)
        guard let last = front.lastIndex(where: { !isBlank($0) }) else { return front.prefix(0) }
        return front[...last]
    }

    private static func bytes(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
        func value(_ digit: UInt8) -> UInt8? {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
            default: nil
            }
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var index = digits.startIndex
        while index + 1 < digits.endIndex {
            guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
            index += 2
        }
        return bytes
    }

    private static func appendHex(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
    }
}
