import SecureLink
import Synchronization

/// Who may log in to a server, and by what.
///
/// Of each password only a verifier is kept: who steals it cannot log in with it, and has to guess the password at half a
/// second for each guess.
public struct Passwords: Sendable {
    enum Source: Sendable {
        case given([(user: String, password: String)])
        case file(String)
    }

    let source: Source

    /// Users and their passwords, kept in memory only.
    ///
    /// The server makes verifiers when it starts, half a second for each; clients that were connected to an earlier start
    /// have to stretch their passwords again. Many users, and servers that are started often, are better kept in a file.
    public init(_ passwords: [String: String]) {
        source = .given(passwords.sorted { $0.key < $1.key }.map { (user: $0.key, password: $0.value) })
    }

    /// A file that `sallyport passwd` or ``set(_:_:in:application:)`` has written; nobody but its owner may be able to read
    /// it.
    public init(file path: String) {
        source = .file(path)
    }

    /// Gives a user a password, or another one, in a file that is made if there is none (mode 0600).
    ///
    /// Throws ``SallyportError/Code/credentials``. Takes half a second.
    public static func set(
        _ user: String,
        _ password: String,
        in path: String,
        application: String = "sallyport"
    ) async throws(SallyportError) {
        try await run { () throws(CredentialFault) in
            var file =
                SecretFiles.exists(path)
                ? try PasswordFile(reading: path) : try PasswordFile(path: path, application: application)
            _ = try file.set(user, LoginPassword(Array(password.utf8)))
            try file.write()
        }
    }

    /// The table by which clients are looked up.
    func table(application: String) async throws(SallyportError) -> PasswordTable {
        let source = source
        return try await run { () throws(CredentialFault) in
            switch source {
            case .file(let path): return try PasswordFile(reading: path).table()
            case .given(let users):
                var file = try PasswordFile(path: "", application: application)
                for (user, password) in users { _ = try file.set(user, LoginPassword(Array(password.utf8))) }
                return try file.table()
            }
        }
    }
}

/// Does what takes half a second on a thread of its own, where it holds up no task.
private func run<Value: Sendable>(
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
