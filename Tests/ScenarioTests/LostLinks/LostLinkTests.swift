import Glibc
import Testing

/// Streams that survive the loss of their link.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "\(Sallyport.missing)"))
struct LostLinkTests {
    @Test(arguments: WireRelay.Cut.allCases)
    func aStreamSurvivesTheLossOfItsLink(how: WireRelay.Cut) throws {
        let target = try PlainListener(.ipv4(port: 0))
        let (pair, line) = try TunnelPair.onALine(to: target.address) {
            $0.clientGlobals = "workers = 1"
            $0.peer = "keepalive = 1s/2s"
        }
        let (visitor, served) = try pair.stream(with: target)
        line.cutAll(how)
        try visitor.write("up, over the gap")
        #expect(try served.read(16) == Array("up, over the gap".utf8))
        try served.write("and down again")
        #expect(try visitor.read(14) == Array("and down again".utf8))
        visitor.finish()
        #expect(try served.readToEnd().end == .end)
        served.close()
        #expect(try visitor.readToEnd().end == .end)

        for child in [pair.client, pair.server] {
            let line = StreamLine(try child.line(with: "session resumed", "streams=1"))
            #expect(!line["after"].isEmpty && !line["resent"].isEmpty)
            // The stream has one log line, which does not mention the gap.
            try child.line(with: "stream closed", "why=fin", "by=visitor", "up=20B", "down=18B")
            #expect(child.lines(with: "stream closed").count == 1)
            #expect(child.lines(with: "session lost").isEmpty)
        }
        try pair.client.line(
            with: "link lost",
            how == .vanish ? "keepalive timeout" : "connection closed by peer"
        )
        #expect(pair.client.lines(with: "link established").count == 1)
    }

    @Test func everySessionOfAPeerResumesByItself() throws {
        let echo = try PlainListener.echo()
        let (pair, line) = try TunnelPair.onALine(to: echo.address) {
            $0.clientGlobals = "workers = 2"
            $0.serverGlobals = "workers = 2"
            $0.peer = "links = 3"
        }
        try Waiting.until("all links") { pair.client.lines(with: "link established").count == 6 }
        let visitors = try (0..<30).map { _ in try pair.connect() }
        for round in 0..<5 {
            for visitor in visitors { try visitor.write("round \(round)") }
            for visitor in visitors { #expect(try visitor.read(7) == Array("round \(round)".utf8)) }
            line.cutAll(round % 2 == 0 ? .reset : .end)
            try Waiting.until("all sessions to come back in round \(round)") {
                let count = 6 * (round + 1)
                return pair.client.lines(with: "session resumed").count == count
                    && pair.server.lines(with: "session resumed").count == count
            }
        }
        #expect(pair.client.lines(with: "link established").count == 6)
        #expect(pair.client.lines(with: "stream closed").isEmpty)
    }

    @Test func aThousandStreamsSurviveACutLink() throws {
        allowManyDescriptors()
        let echo = try PlainListener.echo()
        let (pair, line) = try TunnelPair.onALine(to: echo.address)
        let visitors = try (0..<1000).map { _ in try pair.connect() }
        let words = CheckedBytes(name: 77).prefix(40_000)
        func expectAnswers(_ round: Int, meanwhile: () -> Void) throws {
            let part = { (number: Int) in words[(number * 31 + round)..<(number * 31 + round + 6000)] }
            for (number, visitor) in visitors.enumerated() { try visitor.write(part(number)) }
            meanwhile()
            for (number, visitor) in visitors.enumerated() {
                let isRight = try visitor.read(6000) == Array(part(number))
                #expect(isRight, "stream \(number) in round \(round)")
            }
        }
        try expectAnswers(0) {}
        for (round, how) in [WireRelay.Cut.reset, .end, .reset].enumerated() {
            try expectAnswers(round + 1) { line.cutAll(how) }
        }
        for visitor in visitors { visitor.finish() }
        for visitor in visitors {
            let rest = try visitor.readToEnd()
            #expect(rest.bytes.isEmpty && rest.end == .end)
        }
        // The log line may appear a moment after the descriptor is closed.
        try Waiting.until("a line for each stream") {
            pair.client.lines(with: "stream closed", "why=fin").count == 1000
        }
    }

    @Test func aStreamWithItsOwnLinkSurvivesAsWell() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let (pair, line) = try TunnelPair.onALine(to: target.address) { $0.route = "share = no" }
        let (visitor, served) = try pair.stream(with: target)
        line.cutAll(.reset)
        try served.write("over the gap")
        #expect(try visitor.read(12) == Array("over the gap".utf8))
    }

    @Test func newStreamsWaitForALostLinkToResume() throws {
        let echo = try PlainListener.echo()
        let (pair, line) = try TunnelPair.onALine(to: echo.address) {
            $0.clientGlobals = "workers = 1"
            $0.peer = "keepalive = 1s/2s"
        }
        line.change { $0.isBlackHole = true }
        try pair.client.line(with: "link lost", "keepalive timeout")
        let visitor = try pair.connect()
        try visitor.write("before there is a link")
        #expect(!visitor.isReadable(within: 300))
        line.change { $0.isBlackHole = false }
        #expect(try visitor.read(22) == Array("before there is a link".utf8))
    }

    @Test(arguments: [true, false])
    func withoutAResumeBufferAtOneEndAStreamEndsWithItsLink(atClient: Bool) throws {
        let target = try PlainListener(.ipv4(port: 0))
        let (pair, line) = try TunnelPair.onALine(to: target.address) {
            if atClient { $0.peer = "resume-buffer = off" } else { $0.server = "resume-buffer = off" }
        }
        let (visitor, served) = try pair.stream(with: target)
        line.cutAll(.end)
        #expect(try visitor.readToEnd().end == .reset)
        #expect(try served.readToEnd().end == .reset)
        try pair.expectOneLine(why: "link-lost", by: "link")
    }

    @Test func aRestartedServerResetsOldStreamsAndServesNewOnes() throws {
        let echo = try PlainListener.echo()
        let (pair, visitor) = try streamWhoseServerIsKilled(to: echo)
        try pair.restartServer()
        let clock = ContinuousClock()
        let since = clock.now
        #expect(try visitor.readToEnd().end == .reset)
        try pair.client.line(with: "session lost", "streams=1", "why=link-lost")
        let next = try pair.connect()
        try next.write("pong")
        #expect(try next.read(4) == Array("pong".utf8))
        // The promise is two seconds; a busy machine gets more.
        #expect(clock.now - since < .seconds(8))
        try pair.client.line(with: "stream closed", "why=link-lost", "by=link", "up=4B", "down=4B")
    }

    @Test func aDrainingClientResendsLastBytesThatWereLostWithTheLink() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let (pair, line) = try TunnelPair.onALine(to: target.address) { $0.clientGlobals = "workers = 1" }
        let (visitor, served) = try pair.stream(with: target)
        // The client end drains while the relay holds the visitor's last bytes.
        line.change { $0.isBlackHole = true }
        try visitor.write("last words")
        visitor.finish()
        pair.client.signal(SIGTERM)
        try pair.client.line(with: "draining")
        served.finish()
        line.cutAll(.reset)
        line.change { $0.isBlackHole = false }
        #expect(try served.readToEnd().bytes == Array("last words".utf8))
        #expect(try pair.client.wait() == .exited(0))
    }

    @Test func aDrainingClientThatLosesItsServerExitsWith75() throws {
        let echo = try PlainListener.echo()
        let (pair, visitor) = try streamWhoseServerIsKilled(to: echo)
        pair.client.signal(SIGTERM)
        try pair.client.line(with: "draining")
        try pair.restartServer()
        try pair.client.line(with: "stream closed", "why=link-lost", "by=link")
        #expect(try pair.client.wait(within: .seconds(20)) == .exited(75))
        #expect(try visitor.readToEnd().end == .reset)
    }

    /// Opens a stream that has been answered once, kills the server, and waits until the client has noticed.
    private func streamWhoseServerIsKilled(
        to echo: PlainListener
    ) throws -> (pair: TunnelPair, visitor: PlainSocket) {
        let pair = try TunnelPair(to: echo.address)
        let visitor = try pair.connect()
        try visitor.write("ping")
        #expect(try visitor.read(4) == Array("ping".utf8))
        pair.server.kill()
        try pair.client.line(with: "link lost", "streams=1")
        return (pair, visitor)
    }

    @Test func aServerThatStopsWhileALinkIsLostExitsWith75() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let (pair, line) = try TunnelPair.onALine(to: target.address)
        // The visitor stays alive: if it were freed, its socket would close and the target would read that end.
        let (visitor, served) = try pair.stream(with: target)
        defer { visitor.close() }
        line.change { $0.isBlackHole = true }
        line.cutAll(.reset)
        try pair.server.line(with: "link lost", "streams=1")
        pair.server.signal(SIGTERM)
        #expect(try pair.server.wait(within: .seconds(20)) == .exited(75))
        #expect(try served.readToEnd().end == .reset)
        try pair.server.line(with: "stream closed", "why=link-lost", "by=link")
    }
}

/// Raises the descriptor limit: this process holds the sockets of both applications of every stream, and the relay's.
func allowManyDescriptors() {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
