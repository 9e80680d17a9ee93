import Glibc

/// A PostgreSQL server with an empty database in its own folder.
final class PostgresServer {
    private let service: Service

    init() throws {
        let folder = try TemporaryFolder()
        let address = try PlainAddress.free()
        let data = "\(folder.path)/data"
        // PostgreSQL refuses to run as root.
        var asOwner: [String] = []
        if getuid() == 0 {
            asOwner = try [
                Program.path("setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups", "--",
            ]
            try Program.run("chown", "postgres:postgres", folder.path, in: folder)
        }
        let made = try Child(
            asOwner + [
                Program.path("initdb"), "-D", data, "-U", "visitor", "-A", "trust", "-N", "-E", "UTF8",
            ],
            in: folder,
            name: "initdb"
        )
        guard try made.wait(within: .seconds(120)) == .exited(0) else { throw ScenarioFailure(made.output) }
        service = try Service(
            asOwner + [
                Program.path("postgres"), "-D", data, "-h", "127.0.0.1", "-p", "\(address.port)", "-k", "",
                "-F",
                "-c", "shared_buffers=32MB",
            ],
            in: folder,
            at: address,
            stopSignal: SIGINT
        )
        try service.process.line(with: "database system is ready to accept connections")
    }

    var address: PlainAddress { service.address }

    /// Runs `psql` at a port; returns only the rows.
    func psql(_ commands: String, port: UInt16, in folder: TemporaryFolder) throws -> String {
        let child = try start(commands, port: port, in: folder)
        let end = try child.wait(within: .seconds(120))
        guard end == .exited(0) else { throw ScenarioFailure("psql: \(end): \(child.output)") }
        return child.output
    }

    /// Starts `psql` at a port with commands on its standard input.
    func start(_ commands: String, port: UInt16, in folder: TemporaryFolder) throws -> Child {
        let words = try [
            Program.path("psql"), "-h", "127.0.0.1", "-p", "\(port)", "-U", "visitor", "-d", "postgres", "-X",
            "-q",
            "-A", "-t", "-v", "ON_ERROR_STOP=1",
        ]
        return try Child(words, in: folder, input: commands)
    }
}
