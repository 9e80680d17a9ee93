import EventIO
import SecureLink
import Synchronization

/// A code that lets one client in, once, to be given a password of its own.
final class Pairing: Sendable {
    /// What is asked for with the code.
    static let action = "sallyport.pair"
    /// Wrong guesses after which a code is worth nothing: one in 2^38 that a guesser has hit.
    static let maxGuesses = 3

    /// What a client is given.
    struct Grant: Codable, Sendable {
        let user: String
        let password: String
    }

    private struct State {
        var guesses = 0
        var isOver = false
    }

    let user: String
    let code: LoginText
    private let state = Mutex(State())

    init(user: String, code: LoginText) {
        self.user = user
        self.code = code
    }

    /// Takes the code, once.
    func take() -> Bool {
        state.withLock { state in
            defer { state.isOver = true }
            return !state.isOver
        }
    }

    /// Somebody has guessed wrongly; returns whether the code is worth nothing any more.
    func guessedWrongly() -> Bool {
        state.withLock { state in
            state.guesses += 1
            if state.guesses >= Self.maxGuesses { state.isOver = true }
            return state.isOver
        }
    }
}

extension MessageServer {
    /// Lets a client without a password in, once.
    ///
    /// Returns a code to be read to a person at the client, who types it there
    /// (``MessageClient/pair(with:code:savingTo:application:)``). The client is then given a generated password for `user`,
    /// who is added to the server's passwords, or gets another one. The code is proved like a password, so who listens learns
    /// nothing; it is worth nothing after three wrong guesses, after the time that it is valid for, and after another one was
    /// begun. Throws ``SallyportError/Code/credentials``.
    public func beginPairing(
        _ user: String,
        validFor time: Duration = .seconds(300)
    ) async throws(SallyportError) -> String {
        let code: String
        do throws(CredentialFault) {
            // Two words of four letters and digits.
            code = String(try LoginPassword.generate().text.prefix(9))
            // What cannot be a user's name is better told now than when somebody has typed the code.
            _ = try CredentialStore(user: user, password: LoginText(code).password(), realm: nil)
        } catch {
            throw SallyportError(error)
        }
        guard user.split(separator: "/").first.map(String.init) != PasswordKeeper.pairingUser else {
            throw SallyportError(.credentials, "`\(user)` is the user of those who have no password yet")
        }
        let pairing = Pairing(user: user, code: LoginText(code))
        try await use(pairing)
        Task { [weak self] in
            try? await Task.sleep(for: time)
            await self?.end(pairing)
        }
        return code
    }

    /// Gives a client its password, once.
    func grant(to connection: Connection) async throws(SallyportError) -> Payload {
        guard let pairing = currentPairing, pairing.take() else {
            throw SallyportError(.wrongPassword, "the code is not valid any more")
        }
        let password: String
        do throws(CredentialFault) { password = try LoginPassword.generate().text } catch {
            throw SallyportError(error)
        }
        try await keeper.set(pairing.user, LoginText(password))
        await end(pairing)
        // Another code may have been begun meanwhile, and the table have been made without this user.
        try await renewTable()
        tellPaired(pairing.user, connection)
        return try .json(Pairing.Grant(user: pairing.user, password: password))
    }
}

extension MessageClient {
    /// Gets a password from a server by a code that somebody reads there, and keeps it in a file (mode 0600).
    ///
    /// - Parameters:
    ///   - address: `HOST:PORT`, `PORT` of this machine, or `unix:/PATH`.
    ///   - code: what ``MessageServer/beginPairing(_:validFor:)`` has returned; small and capital letters are the same.
    ///   - path: the file, which is made or replaced; ``Login/init(file:)`` reads it.
    ///   - application: the application of the server.
    /// - Returns: the login, ready to connect with.
    /// - Throws: ``SallyportError/Code/wrongPassword`` when the code is wrong or not valid any more, and what
    ///   ``connect(to:as:options:handlers:)`` throws.
    public static func pair(
        with address: String = "127.0.0.1:25565",
        code: String,
        savingTo path: String,
        application: String = "sallyport"
    ) async throws(SallyportError) -> Login {
        var options = ConnectionOptions()
        options.application = application
        let connection = try await connect(
            to: address,
            user: PasswordKeeper.pairingUser,
            password: code.lowercased().filter { !$0.isWhitespace },
            options: options
        )
        let answer: Result<Payload, SallyportError>
        do throws(SallyportError) { answer = .success(try await connection.request(Pairing.action)) } catch {
            answer = .failure(error)
        }
        await connection.close()
        let grant = try answer.get().decode(Pairing.Grant.self)
        try SavedLogin(user: grant.user, password: grant.password, application: application).write(to: path)
        return try Login(user: grant.user, password: grant.password, application: application)
    }
}
