import Glibc

/// The two ends of a tunnel on two hosts: network namespaces that a veth pair connects.
///
/// Applications reach both ends over Unix sockets, which network namespaces do not separate. The process needs the privilege
/// to create namespaces. They are deleted when this object is freed.
final class NamespacePair {
    let folder: TemporaryFolder
    let target: PlainListener
    private let entry: PlainAddress
    private(set) var server: Child
    private(set) var client: Child
    private let names: (client: String, server: String)

    /// Whether this process may create network namespaces.
    static let isPossible: Bool = {
        guard Program.areThere("ip"), let folder = try? TemporaryFolder() else { return false }
        let name = "sly-try-\(getpid())"
        guard (try? Program.run("ip", "netns", "add", name, in: folder)) != nil else { return false }
        defer { _ = try? Program.run("ip", "netns", "del", name, in: folder) }
        return (try? Program.run("ip", "-n", name, "link", "set", "lo", "up", in: folder)) != nil
    }()

    static let missing = "this process may not make network namespaces, or there is no `ip`"

    /// The client's host has the address 10.77.0.1 and the server's 10.77.0.2.
    init(peer: String = "", server serverLines: String = "") throws {
        folder = try TemporaryFolder()
        let unique = "\(getpid())-\(Int.random(in: 0..<10_000))"
        names = ("sly-a-\(unique)", "sly-b-\(unique)")
        entry = .unix(path: "\(folder.path)/entry")
        target = try PlainListener(.unix(path: "\(folder.path)/target"))
        try folder.file("password", TunnelPair.password + "\n")
        let made = try Sallyport.run(
            "passwd",
            "\(folder.path)/passwords",
            TunnelPair.user,
            in: folder,
            input: TunnelPair.password + "\n"
        )
        guard made.end == .exited(0) else { throw ScenarioFailure("passwd: \(made.output)") }
        let serverFile = try folder.file(
            "server.conf",
            """
            [server]
            listen = 10.77.0.2:7443
            passwords = passwords
            \(serverLines)
            [service app]
            connect = \(target.address)

            """
        )
        let clientFile = try folder.file(
            "client.conf",
            """
            [peer other]
            address = 10.77.0.2:7443
            user = \(TunnelPair.user)
            password-file = password
            \(peer)
            [route app]
            accept = \(entry)
            peer = other

            """
        )
        for name in [names.client, names.server] {
            try Program.run("ip", "netns", "add", name, in: folder)
            try Program.run("ip", "-n", name, "link", "set", "lo", "up", in: folder)
        }
        let cable = [
            "ip", "link", "add", "cable", "netns", names.client, "type", "veth", "peer", "name", "cable",
            "netns",
            names.server,
        ]
        guard try Child(cable, in: folder).wait() == .exited(0) else { throw ScenarioFailure("no cable") }
        for (name, address) in [(names.client, "10.77.0.1/24"), (names.server, "10.77.0.2/24")] {
            try Program.run("ip", "-n", name, "addr", "add", address, "dev", "cable", in: folder)
            try Program.run("ip", "-n", name, "link", "set", "cable", "up", in: folder)
        }
        let names = names
        func start(_ host: String, _ file: String, _ name: String, _ folder: TemporaryFolder) throws -> Child
        {
            try Child(["ip", "netns", "exec", host, Sallyport.path, "run", file], in: folder, name: name)
        }
        server = try start(names.server, serverFile, "server", folder)
        try server.line(with: "listening", "server=links")
        client = try start(names.client, clientFile, "client", folder)
        try client.line(with: "peer is up")
        try client.line(with: "listening", "route=app")
    }

    deinit {
        for child in [client, server] { child.kill() }
        for name in [names.client, names.server] {
            _ = try? Program.run("ip", "netns", "del", name, in: folder)
        }
    }

    /// Runs `ip` in the client's namespace.
    func ipAtTheClient(_ words: String...) throws {
        let child = try Child(["ip", "-n", names.client] + words, in: folder, name: "ip")
        guard try child.wait() == .exited(0) else { throw ScenarioFailure("ip \(words): \(child.output)") }
    }

    /// Runs `ip` in the server's namespace.
    func ipAtTheServer(_ words: String...) throws {
        let child = try Child(["ip", "-n", names.server] + words, in: folder, name: "ip")
        guard try child.wait() == .exited(0) else { throw ScenarioFailure("ip \(words): \(child.output)") }
    }

    /// Opens a stream; returns the visitor's socket and the target's.
    func stream() throws -> (visitor: PlainSocket, served: PlainSocket) {
        let visitor = try PlainSocket(to: entry)
        try visitor.write("ping")
        let served = try target.accept()
        _ = try served.read(4)
        return (visitor, served)
    }
}
