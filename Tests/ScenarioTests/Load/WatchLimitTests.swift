import Foundation
import Testing

/// The limit on a user's epoll watches (`fs.epoll.max_user_watches`).
///
/// libuv ends the process if the kernel refuses it a watch while it waits, so the tunnel must not let that happen.
@Suite struct WatchLimitTests {
    private static let limit = "/proc/sys/fs/epoll/max_user_watches"
    /// A user without other processes, because the limit applies to all processes of a user together.
    private static let nobody = "65534"
    static let canBeLowered = Program.areThere("setpriv") && FileManager.default.isWritableFile(atPath: limit)

    @Test(.enabled(if: WatchLimitTests.canBeLowered, "lowering the limit takes root and setpriv"))
    func streamsBeyondTheLimitAreRefusedAndTheOthersAreServed() throws {
        let echo = try PlainListener.echo()
        let (entry, link) = (try PlainAddress.free(), try PlainAddress.free())
        let folder = try TemporaryFolder()
        try folder.file("password", TunnelPair.password + "\n")
        try folder.file("passwords", try TunnelPair.passwords.get())
        let serverFile = try folder.file(
            "server.conf",
            """
            [server]
            listen = \(link)
            passwords = passwords
            [service app]
            connect = \(echo.address)

            """
        )
        let clientFile = try folder.file(
            "client.conf",
            """
            [peer other]
            address = \(link)
            user = \(TunnelPair.user)
            password-file = password
            [route app]
            accept = \(entry)
            peer = other

            """
        )
        try Program.run("cp", Sallyport.path, folder.path, in: folder)
        try Program.run("chown", "-R", Self.nobody, folder.path, in: folder)
        func start(_ name: String, _ file: String) throws -> Child {
            let user = ["setpriv", "--reuid", Self.nobody, "--regid", Self.nobody, "--clear-groups"]
            return try Child(user + ["\(folder.path)/sallyport", "run", file], in: folder, name: name)
        }
        let server = try start("server", serverFile)
        try server.line(with: "listening", "server=links")
        let client = try start("client", clientFile)
        try client.line(with: "peer is up")
        try client.line(with: "listening", "route=app")

        let before = try String(contentsOfFile: Self.limit, encoding: .utf8)
        defer { try? before.write(toFile: Self.limit, atomically: false, encoding: .utf8) }
        try "100".write(toFile: Self.limit, atomically: false, encoding: .utf8)
        var visitors: [PlainSocket] = []
        var served = 0
        for _ in 0..<80 {
            let visitor = try PlainSocket(to: entry)
            visitors.append(visitor)
            try? visitor.write("ping")
            if (try? visitor.read(4)) == Array("ping".utf8) { served += 1 }
        }
        // A stream uses a watch at each end.
        #expect((20..<50).contains(served), "\(served)")
        try Waiting.until("one of the ends tells why") {
            !(client.lines + server.lines).filter { $0.contains("refused") && $0.contains("why=watches") }
                .isEmpty
        }
        // The served streams continue.
        try visitors[0].write("pong")
        #expect(try visitors[0].read(4) == Array("pong".utf8))

        visitors.removeAll()
        try Waiting.until("a visitor is served again") {
            let visitor = try PlainSocket(to: entry)
            try? visitor.write("ping")
            return (try? visitor.read(4)) == Array("ping".utf8)
        }
        for end in [client, server] {
            end.signal(SIGTERM)
            #expect(try end.wait() == .exited(0))
        }
    }
}
