import Glibc
import Testing

/// OpenSSH through a route, and over `sallyport connect` as its `ProxyCommand`.
@Suite(.serialized, .enabled(if: Program.areThere("sshd", "ssh", "scp", "ssh-keygen"), "\(Program.missing)"))
struct SSHTests {
    private let sshd: Service
    private let pair: TunnelPair
    private let options: [String]

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
        sshd = try Service(
            [Program.path("sshd"), "-D", "-e", "-f", file],
            in: folder,
            at: address
        )
        try sshd.process.line(with: "Server listening")
        pair = try TunnelPair(to: address)
        let hostKey = TemporaryFolder.read("\(folder.path)/host-key.pub") ?? ""
        try folder.file("known", "through-the-tunnel \(hostKey)")
        options = [
            "-F", "none", "-i", "\(folder.path)/key", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o",
            "UserKnownHostsFile=\(folder.path)/known", "-o", "HostKeyAlias=through-the-tunnel", "-o",
            "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR",
        ]
    }

    private static let user = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "root"

    private func run(_ arguments: [String]) throws -> String {
        let child = try Child(arguments, in: pair.folder)
        let end = try child.wait(within: .seconds(120))
        guard end == .exited(0) else {
            throw ScenarioFailure("\(end): \(child.output)\n\(sshd.process.output)")
        }
        return child.output
    }

    @Test func aFileOf256MiBCopiedThereAndBackIsTheSame() throws {
        let file = try pair.folder.randomFile("file", mebibytes: 256)
        let there = "\(pair.folder.path)/there"
        let back = "\(pair.folder.path)/back"
        let scp = try [Program.path("scp"), "-q", "-P", "\(pair.entry.port)"] + options
        _ = try run(scp + [file, "\(Self.user)@127.0.0.1:\(there)"])
        let wanted = try pair.folder.sha256(file)
        #expect(try pair.folder.sha256(there) == wanted)
        unlink(file)
        _ = try run(scp + ["\(Self.user)@127.0.0.1:\(there)", back])
        #expect(try pair.folder.sha256(back) == wanted)
    }

    @Test func aCommandRunsOverConnectAsItsProxyCommand() throws {
        let proxy =
            "\(Sallyport.path) connect \(TunnelPair.user)@\(pair.link) app --password-file \(pair.folder.path)/password"
        let ssh = try [Program.path("ssh"), "-o", "ProxyCommand=\(proxy)"] + options
        let bytes = try run(
            ssh + ["\(Self.user)@nowhere", "echo through && head -c 3000000 /dev/zero | wc -c"]
        )
        #expect(bytes == "through\n3000000\n")
    }
}
