import Glibc
import Testing

/// OpenSSH through a route, and over `sallyport connect` as its `ProxyCommand`.
@Suite(.serialized, .enabled(if: Program.areThere("sshd", "ssh", "scp", "ssh-keygen"), "\(Program.missing)"))
struct SSHTests {
    private let sshd: SSHServer
    private let pair: TunnelPair
    private let options: [String]

    init() throws {
        sshd = try SSHServer()
        pair = try TunnelPair(to: sshd.address)
        options = try sshd.clientOptions(in: pair.folder)
    }

    private func run(_ arguments: [String]) throws -> String {
        try sshd.run(arguments, in: pair.folder)
    }

    @Test func aFileOf256MiBCopiedThereAndBackIsTheSame() throws {
        let file = try pair.folder.randomFile("file", mebibytes: 256)
        let there = "\(pair.folder.path)/there"
        let back = "\(pair.folder.path)/back"
        let scp = try [Program.path("scp"), "-q", "-P", "\(pair.entry.port)"] + options
        _ = try run(scp + [file, "\(SSHServer.user)@127.0.0.1:\(there)"])
        let wanted = try pair.folder.sha256(file)
        #expect(try pair.folder.sha256(there) == wanted)
        unlink(file)
        _ = try run(scp + ["\(SSHServer.user)@127.0.0.1:\(there)", back])
        #expect(try pair.folder.sha256(back) == wanted)
    }

    @Test func aCommandRunsOverConnectAsItsProxyCommand() throws {
        let proxy =
            "\(Sallyport.path) connect \(TunnelPair.user)@\(pair.link) app --password-file \(pair.folder.path)/password"
        let ssh = try [Program.path("ssh"), "-o", "ProxyCommand=\(proxy)"] + options
        let bytes = try run(
            ssh + ["\(SSHServer.user)@nowhere", "echo through && head -c 3000000 /dev/zero | wc -c"]
        )
        #expect(bytes == "through\n3000000\n")
    }
}
