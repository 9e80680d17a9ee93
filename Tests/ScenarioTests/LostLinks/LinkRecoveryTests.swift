import Glibc
import Testing

/// Links that are lost repeatedly or for good, and streams that wait because the server is full.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "\(Sallyport.missing)"))
struct LinkRecoveryTests {
    @Test func resumptionBacksOffIfEveryLinkIsLostAtOnce() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let (pair, line) = try TunnelPair.onALine(to: target.address) { $0.clientGlobals = "workers = 1" }
        let (visitor, served) = try pair.stream(with: target)
        // The relay passes a hello of 151 bytes, its answer of 126 and a record of 36, and nothing more.
        line.change {
            $0.cutAfter = 320
            $0.cuts = [.end]
        }
        line.cutAll(.end)
        try pair.client.line(with: "session resumed")
        usleep(4_000_000)
        let tries = line.passages.count
        #expect(tries > 20)
        // The client tries several times at once, then a few times per second. Without back-off there would be thousands.
        #expect(tries < 200)
        line.change { $0.cutAfter = .max }
        try served.write("after all")
        #expect(try visitor.read(9) == Array("after all".utf8))
    }

    @Test(arguments: ["share = yes", "share = no"])
    func newStreamsGoToAnotherServerIfTheFirstIsGone(share: String) throws {
        let echo = try PlainListener.echo()
        let (first, second) = (try PlainAddress.free(), try PlainAddress.free())
        var options = TunnelPair.Options()
        options.link = first
        options.peerAddress = "\(first), \(second)"
        options.route = share
        let pair = try TunnelPair(to: echo.address, options)
        let other = try pair.folder.file(
            "second.conf",
            """
            [server]
            listen = \(second)
            passwords = passwords
            [service app]
            connect = \(echo.address)

            """
        )
        let server = try Sallyport.start("run", other, in: pair.folder, name: "second")
        try server.line(with: "listening", "server=links")
        let before = try pair.connect()
        try before.write("ping")
        #expect(try before.read(4) == Array("ping".utf8))

        pair.server.kill()
        try pair.client.line(with: "link established", "address=\(second)")
        let visitor = try pair.connect()
        try visitor.write("pong")
        #expect(try visitor.read(4) == Array("pong".utf8))
        try server.line(with: "link established")
    }

    @Test func aVisitorBeyondMaxStreamsIsServedWhenAnotherStreamEnds() throws {
        let echo = try PlainListener.echo()
        var options = TunnelPair.Options()
        options.serverGlobals = "max-streams = 2"
        options.clientGlobals = "workers = 1"
        options.peer = "links = 1"
        options.route = "connect-timeout = 60s"
        let pair = try TunnelPair(to: echo.address, options)
        let visitors = try (0..<3).map { _ in try pair.connect() }
        for visitor in visitors { try visitor.write("ping") }
        for visitor in visitors.prefix(2) { #expect(try visitor.read(4) == Array("ping".utf8)) }
        try pair.client.line(with: "refused", "max-streams")
        #expect(!visitors[2].isReadable(within: 300))
        visitors[0].close()
        #expect(try visitors[2].read(4) == Array("ping".utf8))
        #expect(pair.client.lines(with: "why=limit").isEmpty)
    }
}
