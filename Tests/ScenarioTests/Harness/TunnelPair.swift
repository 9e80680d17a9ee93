import Glibc

/// The two ends of a tunnel as two processes; most scenarios start with such a pair.
///
/// Both processes are killed when this object is freed.
final class TunnelPair {
    let folder: TemporaryFolder
    /// The address on which the client end listens for applications.
    let entry: PlainAddress
    /// The address on which the server end listens for links.
    let link: PlainAddress
    private(set) var server: Child
    private(set) var client: Child
    let serverFile: String
    let clientFile: String

    /// The user that logs in.
    static let user = "alice"
    /// A password that appears only in files that no other user can read.
    static let password = "canary-6f1d-oyster"

    /// Changes to the default pair; each text is lines of `tunnel.conf`.
    struct Options {
        /// The address of the route; a free port if `nil`.
        var entry: PlainAddress?
        /// The address of the server's listener; a free port if `nil`.
        var link: PlainAddress?
        /// The peer's `address`; that of the link if `nil`.
        var peerAddress: String?
        var serverGlobals = ""
        var clientGlobals = ""
        var server = ""
        var service = ""
        var peer = ""
        var route = ""
        /// The user name of the client.
        var user = TunnelPair.user
        var clientPassword = TunnelPair.password
        var serverDescriptors: Int?
        var clientDescriptors: Int?
        /// Whether to wait for the first link.
        var waitsForLink = true
    }

    /// A password file with ``user`` and ``password``; it is made once, because stretching a password is slow.
    static let passwords = Result<String, any Error> {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/passwords"
        let made = try Sallyport.run("passwd", path, user, in: folder, input: password + "\n")
        guard made.end == .exited(0), let text = TemporaryFolder.read(path) else {
            throw ScenarioFailure("passwd: \(made.end): \(made.output)")
        }
        return text
    }

    /// Starts both ends: one route `app` to one service `app`, which connects to `target`.
    convenience init(to target: PlainAddress, _ options: Options = Options()) throws {
        try self.init(to: target.description, options)
    }

    /// Starts both ends; `target` is the value of `connect`.
    init(to target: String, _ options: Options = Options()) throws {
        folder = try TemporaryFolder()
        entry = try options.entry ?? .free()
        link = try options.link ?? .free()
        try folder.file("passwords", try Self.passwords.get())
        try folder.file("password", options.clientPassword + "\n")
        serverFile = try folder.file(
            "server.conf",
            """
            \(options.serverGlobals)
            [server]
            listen = \(link)
            passwords = passwords
            \(options.server)
            [service app]
            connect = \(target)
            \(options.service)

            """
        )
        clientFile = try folder.file(
            "client.conf",
            """
            \(options.clientGlobals)
            [peer other]
            address = \(options.peerAddress ?? link.description)
            user = \(options.user)
            password-file = password
            \(options.peer)
            [route app]
            accept = \(entry)
            peer = other
            \(options.route)

            """
        )
        serverDescriptors = options.serverDescriptors
        clientDescriptors = options.clientDescriptors
        server = try Sallyport.start(
            "run",
            serverFile,
            in: folder,
            name: "server",
            descriptors: serverDescriptors
        )
        try server.line(with: "listening", "server=links")
        client = try Sallyport.start(
            "run",
            clientFile,
            in: folder,
            name: "client",
            descriptors: clientDescriptors
        )
        try client.line(with: "listening", "route=app")
        if options.waitsForLink { try client.line(with: "peer is up") }
    }

    private let serverDescriptors: Int?
    private let clientDescriptors: Int?

    /// Connects to the route as an application does.
    func connect() throws -> PlainSocket {
        try PlainSocket(to: entry)
    }

    /// Kills the server end and starts it again.
    func restartServer() throws {
        server.kill()
        server = try Sallyport.start(
            "run",
            serverFile,
            in: folder,
            name: "server",
            descriptors: serverDescriptors
        )
        try server.line(with: "listening", "server=links")
    }

    /// Kills the client end and starts it again.
    func restartClient() throws {
        client.kill()
        client = try Sallyport.start(
            "run",
            clientFile,
            in: folder,
            name: "client",
            descriptors: clientDescriptors
        )
        try client.line(with: "listening", "route=app")
    }

    /// The log lines of both ends about the end of the only stream so far.
    func streamLines() throws -> (client: StreamLine, server: StreamLine) {
        try client.line(with: "stream closed")
        try server.line(with: "stream closed")
        let atClient = client.lines(with: "stream closed")
        let atServer = server.lines(with: "stream closed")
        guard atClient.count == 1, atServer.count == 1 else {
            throw ScenarioFailure("more than a line a stream: \(atClient) \(atServer)")
        }
        return (StreamLine(atClient[0]), StreamLine(atServer[0]))
    }
}

/// The fields of a log line.
struct StreamLine {
    let fields: [Substring: Substring]

    init(_ line: Substring) {
        fields = Dictionary(
            line.split(separator: " ").compactMap { word in
                guard let equals = word.firstIndex(of: "=") else { return nil }
                return (word[..<equals], word[word.index(after: equals)...])
            },
            uniquingKeysWith: { first, _ in first }
        )
    }

    subscript(name: Substring) -> Substring { fields[name] ?? "" }
}
