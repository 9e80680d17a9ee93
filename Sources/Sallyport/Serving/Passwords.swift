import SecureLink
import Synchronization

/// The users that may log in to a server, and their passwords.
///
/// The server keeps only a verifier of each password. A thief of the verifier cannot log in with it, and has to guess the
/// password, with half a second of computing for each guess.
public struct Passwords: Sendable {
    enum Source: Sendable {
        case given([(user: String, password: String)])
        case file(String, isMade: Bool)
    }

    let source: Source

    /// Creates users with passwords that are kept in memory only.
    ///
    /// The server computes the verifiers when it starts, half a second for each. After a restart, clients have to stretch their
    /// passwords again. For many users, or for a server that is often restarted, use a file.
    public init(_ passwords: [String: String]) {
        source = .given(passwords.sorted { $0.key < $1.key }.map { (user: $0.key, password: $0.value) })
    }

    /// Uses a file that ``set(_:_:in:application:)`` or `sallyport passwd --application NAME` has written.
    ///
    /// Only the owner may be able to read the file. A file belongs to one application, and only clients of that application can
    /// connect. The file of a tunnel's server belongs to no application: with it, only tunnels can connect.
    ///
    /// With `isMade`, the server creates a missing file without users; ``MessageServer/beginPairing(_:validFor:)`` adds users.
    public init(file path: String, isMade: Bool = false) {
        source = .file(path, isMade: isMade)
    }

    /// Sets a user's password in a file, which is created if it does not exist (mode 0600).
    ///
    /// Takes half a second. A running server does not watch the file. Throws ``SallyportError/Code/credentials``.
    public static func set(
        _ user: String,
        _ password: String,
        in path: String,
        application: String = "sallyport"
    ) async throws(SallyportError) {
        let keeper = try await Passwords(file: path, isMade: true).keeper(application: application)
        try await keeper.set(user, LoginText(password))
    }

    /// Opens the users; a server looks users up in the result, and adds users to it.
    func keeper(application: String) async throws(SallyportError) -> PasswordKeeper {
        let source = source
        return try await blocking { () throws(CredentialFault) in
            switch source {
            case .file(let path, let isMade):
                return try PasswordKeeper.writing.withLock { _ throws(CredentialFault) in
                    let isNew = isMade && !SecretFiles.exists(path)
                    let file =
                        try isNew
                        ? PasswordFile(path: path, application: application) : PasswordFile(reading: path)
                    if isNew { try file.write() }
                    return PasswordKeeper(file)
                }
            case .given(let users):
                var file = try PasswordFile(path: "", application: application)
                for (user, password) in users { _ = try file.set(user, LoginText(password).password()) }
                return PasswordKeeper(file)
            }
        }
    }
}

/// A password as text, before it is stretched.
struct LoginText: Sendable {
    private let text: String

    init(_ text: String) {
        self.text = text
    }

    func password() throws(CredentialFault) -> LoginPassword { try LoginPassword(Array(text.utf8)) }
}

/// The users of a server.
final class PasswordKeeper: Sendable {
    private let file: Mutex<PasswordFile>
    /// The lock to hold while a password is stretched and written, on a thread that may block.
    ///
    /// Without it, two tasks that set passwords at the same time would overwrite each other's file.
    static let writing = Mutex<Void>(())

    /// The user name of clients with a pairing code; no other user may have it.
    static let pairingUser = "pairing"

    init(_ file: PasswordFile) {
        self.file = Mutex(file)
    }

    /// Builds the table of current users; if there is a pairing code, the table contains the user for it.
    func table(code: LoginText? = nil) async throws(SallyportError) -> PasswordTable {
        let file = file.withLock { $0 }
        return try await blocking { () throws(CredentialFault) in
            var file = file
            if let code { _ = try file.set(Self.pairingUser, code.password()) }
            return try file.table()
        }
    }

    /// Sets a user's password, also in the file if there is one.
    func set(_ user: String, _ text: LoginText) async throws(SallyportError) {
        guard user.split(separator: "/").first.map(String.init) != Self.pairingUser else {
            throw SallyportError(
                .credentials,
                "`\(Self.pairingUser)` is the user of those who have no password yet"
            )
        }
        try await blocking { [self] () throws(CredentialFault) in
            try Self.writing.withLock { _ throws(CredentialFault) in
                var changed = file.withLock { $0 }
                // Another process may have removed users from the file since: read it again, so that they do not reappear.
                if !changed.path.isEmpty { changed = try PasswordFile(reading: changed.path) }
                _ = try changed.set(user, text.password())
                if !changed.path.isEmpty { try changed.write() }
                file.withLock { $0 = changed }
            }
        }
    }
}

/// Runs slow work on a thread of its own, so that it blocks no task.
private func blocking<Value: Sendable>(
    _ body: @escaping @Sendable () throws(CredentialFault) -> Value
) async throws(SallyportError) -> Value {
    let result = await withCheckedContinuation { continuation in
        BlockingWork.run {
            do throws(CredentialFault) {
                continuation.resume(returning: Result<Value, SallyportError>.success(try body()))
            } catch {
                continuation.resume(returning: .failure(SallyportError(error)))
            }
        }
    }
    return try result.get()
}
