import EventIO
import SecureLink
import Synchronization

/// A pairing code, with which one client can log in once, to get a password of its own.
final class Pairing: Sendable {
    /// The action of the request for the password.
    static let action = "sallyport.pair"
    /// The number of wrong guesses that invalidate a code.
    ///
    /// With three, an attacker succeeds with a probability of about 2^-38. Larger: the probability grows. Smaller: a person who
    /// mistypes the code needs a new one.
    static let maxGuesses = 3

    /// The answer to a client that has proved the code.
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

    /// Uses up the code; returns whether it was still valid.
    func take() -> Bool {
        state.withLock { state in
            defer { state.isOver = true }
            return !state.isOver
        }
    }

    /// Counts a wrong guess; returns whether the code is invalid now.
    func guessedWrongly() -> Bool {
        state.withLock { state in
            state.guesses += 1
            if state.guesses >= Self.maxGuesses { state.isOver = true }
            return state.isOver
        }
    }
}

extension MessageServer {
    /// Starts pairing: creates a code with which one client without a password can log in, once.
    ///
    /// The code is shown at the server, and a person types it at the client
    /// (``MessageClient/pair(with:code:savingTo:application:)``). The client then gets a generated password for `user`. The
    /// server adds `user` to its passwords, or replaces the user's password. The code is proved like a password, so an
    /// eavesdropper learns nothing.
    ///
    /// The code becomes invalid after three wrong guesses, after `time`, and when another pairing is started. Returns the code.
    /// Throws ``SallyportError/Code/credentials``.
    public func beginPairing(
        _ user: String,
        validFor time: Duration = .seconds(300)
    ) async throws(SallyportError) -> String {
        let code: String
        do throws(CredentialFault) {
            // Two words of four characters, letters or digits.
            code = String(try LoginPassword.generate().text.prefix(9))
            // Check the user's name now, and not only after a person has typed the code.
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

    /// Gives a client a new password, once for each code.
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
        // Another pairing may have started meanwhile and built the table without this user.
        try await renewTable()
        tellPaired(pairing.user, connection)
        return try .json(Pairing.Grant(user: pairing.user, password: password))
    }
}

extension MessageClient {
    /// Gets a password from a server with a pairing code that is shown there, and keeps it in a file (mode 0600).
    ///
    /// - Parameters:
    ///   - address: `HOST:PORT`, `PORT` for the loopback address, or `unix:/PATH`.
    ///   - code: the code that ``MessageServer/beginPairing(_:validFor:)`` returned; upper and lower case are equivalent.
    ///   - path: the file to create or replace; ``Login/init(file:)`` reads it.
    ///   - application: the application of the server.
    /// - Returns: the login, ready to connect with.
    /// - Throws: ``SallyportError/Code/wrongPassword`` if the code is wrong or no longer valid, and the errors of
    ///   ``connect(to:as:options:handlers:)``.
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
