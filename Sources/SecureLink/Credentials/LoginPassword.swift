import CryptoPrimitives
import Platform
import ProtocolCore

/// A login password, as read from the place where the operator keeps it.
///
/// It is never a string, and never printed.
package struct LoginPassword: Sendable {
    let password: Password

    /// The maximum number of bytes that are read: more than any password has, so that a wrong file is detected.
    private static let maxBytes = 4096

    /// A password from its bytes; a newline at their end is not part of it.
    ///
    /// The bytes are copied into memory that is wiped when it is freed; the caller must wipe the array.
    package init(_ bytes: [UInt8]) throws(CredentialFault) {
        try self.init(SecretBytes(bytes))
    }

    /// Reads a file that only its owner can read, straight into memory that is wiped when it is freed.
    package init(file path: String) throws(CredentialFault) {
        do throws(CredentialFault) {
            let descriptor = try SecretFile.open(path)
            defer { close(descriptor) }
            try self.init(descriptor: descriptor)
        } catch {
            throw CredentialFault("\(path): \(error.text)")
        }
    }

    /// Reads a variable of the environment.
    package init(environment name: String) throws(CredentialFault) {
        guard let value = getenv(name) else { throw CredentialFault("\(name) is not set") }
        let bytes = UnsafeRawBufferPointer(start: value, count: strlen(value))
        do throws(CredentialFault) {
            try self.init(SecretBytes(copying: bytes))
        } catch {
            throw CredentialFault("\(name): \(error.text)")
        }
    }

    /// Reads a descriptor to its end.
    package init(descriptor: Int32) throws(CredentialFault) {
        var length = 0
        var failure: Int32 = 0
        let content = SecretBytes(count: Self.maxBytes + 1) { space in
            while length < space.count {
                let count = read(descriptor, space.baseAddress.map { $0 + length }, space.count - length)
                if count < 0 {
                    if errno == EINTR { continue }
                    failure = errno
                }
                guard count > 0 else { return }
                length += count
            }
        }
        guard failure == 0 else { throw CredentialFault(String(cString: strerror(failure))) }
        try self.init(content.slice(0..<length))
    }

    /// A new password of 80 random bits, in four words of four letters and digits.
    ///
    /// - Returns: the password and its text, which is shown once.
    /// - Throws: an error if libcrypto fails.
    package static func generate() throws(CredentialFault) -> (password: LoginPassword, text: String) {
        // Without the letters that look like digits: 32 characters, five bits each.
        let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789".utf8)
        let random: [UInt8]
        do { random = try SystemRandom.bytes(count: 16) } catch { throw CredentialFault(error.reason) }
        var text: [UInt8] = []
        for (index, byte) in random.enumerated() {
            if index > 0, index % 4 == 0 { text.append(UInt8(ascii: "-")) }
            text.append(alphabet[Int(byte % 32)])
        }
        return (try LoginPassword(text), String(decoding: text, as: UTF8.self))
    }

    private init(_ content: SecretBytes) throws(CredentialFault) {
        do {
            password = try Password(contentOf: content)
        } catch {
            switch error {
            case .empty: throw CredentialFault("the password is empty")
            case .tooLong: throw CredentialFault("the password has more than \(Password.longest) bytes")
            case .notText: throw CredentialFault("the password is not UTF-8 text")
            case .controlCharacter:
                throw CredentialFault("the password has a control character or more than one line")
            }
        }
    }
}

/// The error of a password, a user name or a password file that cannot be used.
package struct CredentialFault: Error, Hashable, Sendable {
    /// The reason, as one clause without a secret.
    package let text: String

    package init(_ text: String) {
        self.text = text
    }
}
