import EventIO
import SecureLink
public import SystemPackage

/// Connects clients to a server.
///
/// ```swift
/// let connection = try await MessageClient.connect(to: "127.0.0.1:25565", user: "alice", password: "correct horse")
/// let answer = try await connection.request("chat", "hi", timeout: .seconds(5))
/// for await packet in connection.packets { print(packet.action) }
/// ```
public enum MessageClient {
    /// Connects to a server and logs in with a password; stretching the password takes about half a second.
    ///
    /// To connect more than once, keep a ``Login`` instead.
    ///
    /// - Parameters:
    ///   - address: `HOST:PORT`, `PORT` for the loopback address, or `unix:/PATH`.
    ///   - user: the user's name at the server.
    ///   - password: the user's password, 1 to 1024 bytes.
    ///   - options: how the connection behaves.
    ///   - handlers: called with the connection before anything arrives over it; registers the connection's handlers.
    /// - Returns: the connection, after the server has proved its identity and accepted the client.
    /// - Throws: ``SallyportError/Code/credentials``, or an error of ``connect(to:as:options:handlers:)``.
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
    ///   - address: `HOST:PORT`, `PORT` for the loopback address, or `unix:/PATH`.
    ///   - login: the user to log in as; its application is used, not the one in `options`.
    ///   - options: how the connection behaves.
    ///   - handlers: called with the connection before anything arrives over it; registers the connection's handlers.
    /// - Returns: the connection, after the server has proved its identity and accepted the client.
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

    /// Logs in over a connected stream socket: TCP, a Unix socket, or one of a socket pair.
    ///
    /// The connection owns the descriptor from now on, unless ``SallyportError/Code/invalidArgument`` is thrown. The connection
    /// ends with the socket, because the library cannot open another link to the server.
    ///
    /// - Parameters:
    ///   - socket: the socket, which the application has connected.
    ///   - login: the user to log in as; its application is used, not the one in `options`.
    ///   - options: how the connection behaves.
    ///   - handlers: called with the connection before anything arrives over it; registers the connection's handlers.
    /// - Returns: the connection, after the server has proved its identity and accepted the client.
    /// - Throws: an error of ``connect(to:as:options:handlers:)``.
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
                let request = ConnectRequest(
                    way: way,
                    store: store,
                    options: options,
                    loop: loop,
                    attempt: attempt,
                    handlers: handlers
                )
                loop.perform(.connect(request))
            }
        } onCancel: {
            attempt.end(.failure(.cancelled))
            loop.perform(.failConnecting(attempt.id, .cancelled))
        }
        return try result.get()
    }
}

/// A user, a password and the stretched password, for any number of connections to a server.
///
/// The connections may exist one after the other or at the same time. A login sends neither the password nor anything from
/// which an eavesdropper could guess it.
public final class Login: Sendable {
    let store: CredentialStore

    /// Creates a login from a user's name and a password.
    ///
    /// - Parameters:
    ///   - user: the user's name, as `alice`, or `alice/2` for the user's second password.
    ///   - password: the password, 1 to 1024 bytes.
    ///   - application: the application of the servers to log in to.
    /// - Throws: ``SallyportError/Code/credentials``.
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

    /// Creates a login with the password in a file that only its owner can read.
    ///
    /// A newline at the end of the file is not part of the password. Throws ``SallyportError/Code/credentials``.
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
