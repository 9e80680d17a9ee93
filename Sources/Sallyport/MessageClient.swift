import EventIO
import SecureLink
public import SystemPackage

/// Where connections to a server come from.
///
/// ```swift
/// let connection = try await MessageClient.connect(to: "127.0.0.1:25565", user: "alice", password: "correct horse")
/// let answer = try await connection.request("chat", "hi", timeout: .seconds(5))
/// for await packet in connection.packets { print(packet.action) }
/// ```
public enum MessageClient {
    /// Connects to a server and logs in with a password, which is stretched for that: about half a second.
    ///
    /// Who connects more than once keeps a ``Login`` instead.
    ///
    /// - Parameters:
    ///   - address: `HOST:PORT`, `PORT` of this machine, or `unix:/PATH`.
    ///   - user: the user's name at the server.
    ///   - password: the user's password, 1 to 1024 bytes.
    ///   - options: how the connection behaves.
    ///   - handlers: called with the connection before anything has come over it, to give it handlers.
    /// - Returns: the connection, once the server has proved itself and taken it.
    /// - Throws: ``SallyportError/Code/credentials``, and what ``connect(to:as:options:handlers:)`` throws.
    public static func connect(
        to address: String = "127.0.0.1:25565",
        user: String,
        password: String,
        options: ConnectionOptions = ConnectionOptions(),
        handlers: (@Sendable (Connection) -> Void)? = nil
    ) async throws(SallyportError) -> Connection {
        let login = try Login(user: user, password: password, application: options.application)
        return try await connect(to: address, as: login, options: options, handlers: handlers)
    }

    /// Connects to a server and logs in.
    ///
    /// - Parameters:
    ///   - address: `HOST:PORT`, `PORT` of this machine, or `unix:/PATH`.
    ///   - login: who logs in; its application counts, and not that of the options.
    ///   - options: how the connection behaves.
    ///   - handlers: called with the connection before anything has come over it, to give it handlers.
    /// - Returns: the connection, once the server has proved itself and taken it.
    /// - Throws: ``SallyportError/Code/invalidArgument``, ``SallyportError/Code/cannotConnect``,
    ///   ``SallyportError/Code/timeout``, ``SallyportError/Code/wrongPassword``,
    ///   ``SallyportError/Code/otherApplication``, ``SallyportError/Code/incompatible`` or
    ///   ``SallyportError/Code/cancelled``.
    public static func connect(
        to address: String = "127.0.0.1:25565",
        as login: Login,
        options: ConnectionOptions = ConnectionOptions(),
        handlers: (@Sendable (Connection) -> Void)? = nil
    ) async throws(SallyportError) -> Connection {
        let endpoint: Endpoint
        do throws(EndpointFault) {
            endpoint = try Endpoint(parsing: address, for: .dialling(barePortHost: "127.0.0.1"))
        } catch {
            throw SallyportError(error)
        }
        return try await connect(.to(endpoint), login, options, handlers)
    }

    /// Logs in over a stream socket that somebody else has connected to a server: TCP, a Unix socket, one of a pair.
    ///
    /// The descriptor is the connection's from now on, except when ``SallyportError/Code/invalidArgument`` is thrown. A
    /// connection over it ends with it: there is no way to another one.
    ///
    /// - Parameters:
    ///   - socket: the socket.
    ///   - login: who logs in; its application counts, and not that of the options.
    ///   - options: how the connection behaves.
    ///   - handlers: called with the connection before anything has come over it, to give it handlers.
    /// - Returns: the connection, once the server has proved itself and taken it.
    /// - Throws: what ``connect(to:as:options:handlers:)`` throws.
    public static func connect(
        over socket: FileDescriptor,
        as login: Login,
        options: ConnectionOptions = ConnectionOptions(),
        handlers: (@Sendable (Connection) -> Void)? = nil
    ) async throws(SallyportError) -> Connection {
        try await connect(.over(.adopting(fromApplication: socket)), login, options, handlers)
    }

    private static func connect(
        _ way: ConnectAttempt.Way,
        _ login: Login,
        _ options: ConnectionOptions,
        _ handlers: (@Sendable (Connection) -> Void)?
    ) async throws(SallyportError) -> Connection {
        let loop = try await MessageLoop.shared()
        let store = login.store
        let attempt = Attempt()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                attempt.begin(continuation)
                loop.perform { context in
                    ConnectAttempt(way, store, options, loop, context, attempt, handlers).begin()
                }
            }
        } onCancel: {
            attempt.end(.failure(.cancelled))
            loop.perform { [id = attempt.id] in $0.dials[id]?.fail(.cancelled) }
        }
        return try result.get()
    }
}

/// A user and a password, and what stretching has made of it: for any number of connections to a server, one after the other
/// or at the same time.
///
/// Neither the password nor anything made of it is sent: both ends prove that they know it.
public final class Login: Sendable {
    let store: CredentialStore

    /// Takes a user's name, as `alice`, or `alice/2` for the second password, a password of 1 to 1024 bytes, and the
    /// application whose servers it is for; throws ``SallyportError/Code/credentials``.
    public init(user: String, password: String, application: String = "sallyport") throws(SallyportError) {
        do throws(CredentialFault) {
            store = try CredentialStore(
                user: user,
                password: LoginPassword(Array(password.utf8)),
                application: application
            )
        } catch {
            throw SallyportError(error)
        }
    }

    /// Takes the password from a file that nobody but its owner can read; a newline at its end is not part of it.
    ///
    /// Throws ``SallyportError/Code/credentials``.
    public init(
        user: String,
        passwordFile path: String,
        application: String = "sallyport"
    ) throws(SallyportError) {
        do throws(CredentialFault) {
            store = try CredentialStore(
                user: user,
                password: LoginPassword(file: path),
                application: application
            )
        } catch {
            throw SallyportError(error)
        }
    }
}
