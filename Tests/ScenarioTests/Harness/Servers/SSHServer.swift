import Glibc

/// An OpenSSH server for the user that runs the scenario, with keys of its own.
final class SSHServer {
    private let service: Service

    init() throws {
        let folder = try TemporaryFolder()
        let address = try PlainAddress.free()
        for name in ["host-key", "key"] {
            try Program.run(
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-f",
                "\(folder.path)/\(name)",
                in: folder
            )
        }
        try folder.file("authorized", TemporaryFolder.read("\(folder.path)/key.pub") ?? "")
        // A file of its own, so that nothing of the system's configuration counts.
        let file = try folder.file(
            "sshd.conf",
            """
            ListenAddress \(address)
            HostKey \(folder.path)/host-key
            AuthorizedKeysFile \(folder.path)/authorized
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            PermitRootLogin prohibit-password
            Subsystem sftp internal-sftp

            """
        )
        // As root it wants an empty folder, which Debian makes when it starts the service.
        if getuid() == 0 { mkdir("/run/sshd", 0o755) }
        service = try Service(
            [Program.path("sshd"), "-D", "-e", "-f", file],
            in: folder,
            at: address
        )
        try service.process.line(with: "Server listening")
    }

    var address: PlainAddress { service.address }

    /// The user that a client logs in as.
    static let user = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "root"

    /// What `ssh` and `scp` need to log in and to know the server by its key, wherever they find it.
    func clientOptions(in folder: TemporaryFolder) throws -> [String] {
        let hostKey = TemporaryFolder.read("\(service.folder.path)/host-key.pub") ?? ""
        let known = try folder.file("known", "through-the-tunnel \(hostKey)")
        return [
            "-F", "none", "-i", "\(service.folder.path)/key", "-o", "BatchMode=yes", "-o",
            "IdentitiesOnly=yes",
            "-o", "UserKnownHostsFile=\(known)", "-o", "HostKeyAlias=through-the-tunnel", "-o",
            "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR",
        ]
    }

    /// Runs a client to its end.
    func run(_ arguments: [String], in folder: TemporaryFolder) throws -> String {
        let child = try Child(arguments, in: folder)
        let end = try child.wait(within: .seconds(120))
        guard end == .exited(0) else {
            throw ScenarioFailure("\(end): \(child.output)\n\(service.process.output)")
        }
        return child.output
    }
}
