import SecureLink
import Synchronization

/// Who may log in to a server, and by what.
///
/// Of each password only a verifier is kept: who steals it cannot log in with it, and has to guess the password at half a
/// second for each guess.
public struct Passwords: Sendable {
    enum Source: Sendable {
        case given([(user: String, password: String)])
        case file(String, isMade: Bool)
    }

    let source: Source

    /// Users and their passwords, kept in memory only.
    ///
    /// The server makes verifiers when it starts, half a second for each; clients that were connected to an earlier start
    /// have to stretch their passwords again. Many users, and servers that are started often, are better kept in a file.
    public init(_ passwords: [String: String]) {
        source = .given(passwords.sorted { $0.key < $1.key }.map { (user: $0.key, password: $0.value) })
    }

    /// A file that ``set(_:_:in:application:)`` or `sallyport passwd --application NAME` has written; nobody but its owner may
    /// be able to read it.
    ///
    /// Clients connect to servers of their own application only, and the file is one application's. The file of a tunnel's
    /// server is nobody's: with it, only tunnels connect.
    ///
    /// With `isMade`, a server that finds none makes one without users, who come to it by ``MessageServer/beginPairing(_:validFor:)``.
    public init(file path: String, isMade: Bool = false) {
        source = .file(path, isMade: isMade)
    }

    /// Gives a user a password, or another one, in a file that is made if there is none (mode 0600).
    ///
    /// Throws ``SallyportError/Code/credentials``. Takes half a second. A server that runs does not look at the file again.
    public static func set(
        _ user: String,
        _ password: String,
        in path: String,
        application: String = "sallyport"
    ) async throws(SallyportError) {
        let keeper = try await Passwords(file: path, isMade: true).keeper(application: application)
        try await keeper.set(user, LoginText(password))
    }

    /// What a server looks users up in, and adds to.
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

/// A password as text, on its way to where it is stretched.
struct LoginText: Sendable {
    private let text: String

    init(_ text: String) {
        self.text = text
    }

    func password() throws(CredentialFault) -> LoginPassword { try LoginPassword(Array(text.utf8)) }
}

/// A server's users.
final class PasswordKeeper: Sendable {
    private let file: Mutex<PasswordFile>
    /// Held for as long as a password is stretched and written, by a thread that is made for waiting: of two that are set at
    /// a time by this process, none is lost.
    static let writing = Mutex<Void>(())

    /// The user that a code is for: nobody else may have this name.
    static let pairingUser = "pairing"

    init(_ file: PasswordFile) {
        self.file = Mutex(file)
    }

    /// The users as they are looked up now, with one who has a code, if there is a code.
    func table(code: LoginText? = nil) async throws(SallyportError) -> PasswordTable {
        let file = file.withLock { $0 }
        return try await blocking { () throws(CredentialFault) in
            var file = file
            if let code { _ = try file.set(Self.pairingUser, code.password()) }
            return try file.table()
        }
    }

    /// Gives a user a password, in the file too if there is one.
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
                // Others may have changed it, and whom they have removed is not to come back.
                if !changed.path.isEmpty { changed = try PasswordFile(reading: changed.path) }
                _ = try changed.set(user, text.password())
                if !changed.path.isEmpty { try changed.write() }
                file.withLock { $0 = changed }
            }
        }
    }
}

/// Does what takes half a second on a thread of its own, where it holds up no task.
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
