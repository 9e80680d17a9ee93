import CryptoPrimitives
import Platform
import ProtocolCore
import Vocabulary

/// A server's password file.
///
/// It is created on first use and replaced as a whole with every change, so a server that reads it at any moment finds the old
/// file or the new one.
package struct PasswordFile: Sendable {
    /// The path of the file.
    package let path: String
    private var content: VerifierText

    /// Reads the file.
    package init(reading path: String) throws(CredentialFault) {
        self.path = path
        content = try Self.read(path)
    }

    /// Reads the file, or starts one with a new realm if there is none.
    ///
    /// The realm is the host name and random digits. It is the salt of all passwords in the file, so it should be unique.
    package init(creating path: String) throws(CredentialFault) {
        self.path = path
        if access(path, F_OK) == 0 {
            content = try Self.read(path)
            return
        }
        content = try Self.empty(Self.hostName)
    }

    /// Reads the file, or starts one for the servers of an application if there is none.
    ///
    /// - Throws: an error also if the file belongs to another application.
    package init(creating path: String, application: String) throws(CredentialFault) {
        guard access(path, F_OK) == 0 else {
            try self.init(path: path, application: application)
            return
        }
        try self.init(reading: path)
        guard realm.hasPrefix(try Self.realmPrefix(of: application)) else {
            throw CredentialFault(
                "\(path): is not a password file of the application `\(application)`: its realm is \(realm), and its "
                    + "passwords are valid for this realm only"
            )
        }
    }

    /// Starts a password file for the servers of an application.
    ///
    /// ``write()`` writes it. An empty path is for a file that is never written.
    package init(path: String, application: String) throws(CredentialFault) {
        self.path = path
        content = try Self.empty(String(Self.realmPrefix(of: application).dropLast()))
    }

    /// The beginning of the realms of an application's servers.
    ///
    /// - Parameter application: 1 to 64 bytes without `#` and without control characters.
    /// - Returns: the application and a `#`, which random digits follow in a realm.
    /// - Throws: an error if this cannot be an application's name.
    package static func realmPrefix(of application: String) throws(CredentialFault) -> String {
        guard (1...64).contains(application.utf8.count), !application.contains("#"),
            Realm(application) != nil
        else {
            throw CredentialFault(
                "an application's name has 1 to 64 bytes, no `#` and no control characters"
            )
        }
        return application + "#"
    }

    private static func empty(_ prefix: String) throws(CredentialFault) -> VerifierText {
        let random: [UInt8]
        do { random = try SystemRandom.bytes(count: 8) } catch { throw CredentialFault(error.reason) }
        let suffix = random.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        guard let realm = Realm("\(prefix)#\(suffix)") else {
            throw CredentialFault("the host name cannot be part of a realm")
        }
        return VerifierText(realm: realm, cost: .standard, verifiers: [])
    }

    /// The realm as text.
    package var realm: String { content.realm.text }

    /// The users in the file, with the number of the password, such as `alice/1`.
    package var users: [String] { content.verifiers.map(\.identity.name) }

    /// Adds a user, or replaces a user's password.
    ///
    /// This takes about half a second.
    ///
    /// - Parameters:
    ///   - user: `alice`, or `alice/2` for a second password beside the first.
    ///   - password: the password, of which only the verifier is kept.
    /// - Returns: whether a password was replaced.
    /// - Throws: an error if the name is not valid or libcrypto fails.
    package mutating func set(_ user: String, _ password: LoginPassword) throws(CredentialFault) -> Bool {
        let identity = try Identity(credential: user)
        guard VerifierText.canHold(identity) else {
            throw CredentialFault("in a password file, a user name cannot contain `=` or begin with `#`")
        }
        let verifier: Verifier
        do throws(CryptoFailure) {
            let secret = try StretchedPassword(
                password.password,
                identity: identity,
                realm: content.realm,
                cost: content.cost
            )
            verifier = try Verifier(identity: identity, secret: secret)
        } catch {
            throw CredentialFault("\(error.operation): \(error.reason)")
        }
        if let index = content.verifiers.firstIndex(where: { $0.identity == identity }) {
            content.verifiers[index] = verifier
            return true
        }
        content.verifiers.append(verifier)
        return false
    }

    /// Removes a user: `alice` with all passwords, `alice/2` with that one.
    ///
    /// - Returns: the number of passwords that were removed.
    package mutating func remove(_ user: String) -> Int {
        let before = content.verifiers.count
        content.verifiers.removeAll { $0.identity.name == user || $0.identity.user == user }
        return before - content.verifiers.count
    }

    /// Writes the file with mode 0600: first beside the old one, then in its place.
    package func write() throws(CredentialFault) {
        var bytes = content.encoded
        defer { SecretBytes.wipe(&bytes) }
        try SecretFile.replace(path, with: bytes)
    }

    /// The table in which a server looks users up.
    package func table() throws(CredentialFault) -> PasswordTable {
        do throws(CryptoFailure) {
            let dummy = (
                try SystemRandom.secretBytes(count: P521.scalarCount),
                try SystemRandom.secretBytes(count: P521.scalarCount)
            )
            return PasswordTable(
                verifiers: try VerifierTable(
                    realm: content.realm,
                    cost: content.cost,
                    verifiers: content.verifiers,
                    dummy: dummy
                )
            )
        } catch {
            throw CredentialFault("\(error.operation): \(error.reason)")
        }
    }

    private static func read(_ path: String) throws(CredentialFault) -> VerifierText {
        var bytes = try SecretFile.content(of: path, atMost: VerifierText.maxBytes)
        defer { SecretBytes.wipe(&bytes) }
        do {
            return try VerifierText(bytes)
        } catch {
            let place = error.line > 0 ? "\(path):\(error.line)" : path
            throw CredentialFault("\(place): \(error.reason)")
        }
    }

    private static var hostName: String {
        var name = [CChar](repeating: 0, count: 65)
        guard gethostname(&name, name.count - 1) == 0 else { return "sallyport" }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.isEmpty ? "sallyport" : text
    }
}

/// The users of a server, for look-ups.
///
/// It is immutable and shared between threads.
package struct PasswordTable: Sendable {
    let verifiers: VerifierTable

    /// The realm as text.
    package var realm: String { verifiers.realm.text }
    /// The names of the users, sorted, each once.
    package var users: [String] { verifiers.users }

    /// Whether a user who logged in with an older table could log in with this one and the same password.
    ///
    /// - Parameters:
    ///   - user: `alice`, or `alice/2` for a user with the second password.
    ///   - old: the table with which the user logged in.
    /// - Returns: whether nothing has changed for the user.
    package func retains(_ user: String, of old: PasswordTable) -> Bool {
        guard let identity = try? Identity(user), verifiers.realm == old.verifiers.realm else { return false }
        let tag = ClientTag(identity, in: verifiers.realm)
        let (now, exists) = verifiers.find(tag)
        let (then, existed) = old.verifiers.find(tag)
        return exists && existed && now == then
    }
}
