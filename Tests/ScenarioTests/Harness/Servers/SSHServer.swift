import Glibc

/// An OpenSSH server with its own keys, for the user that runs the scenario.
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
        // A separate file, so that the system's configuration has no effect.
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
        // As root, sshd needs an empty folder, which Debian creates when it starts the service.
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

    /// The options with which `ssh` and `scp` log in and recognise the server by its key at any address.
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

    /// Runs a client and waits until it ends.
    func run(_ arguments: [String], in folder: TemporaryFolder) throws -> String {
        let child = try Child(arguments, in: folder)
        let end = try child.wait(within: .seconds(120))
        guard end == .exited(0) else {
            throw ScenarioFailure("\(end): \(child.output)\n\(service.process.output)")
        }
        return child.output
    }
}
