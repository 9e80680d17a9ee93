import Testing

/// Clients with a wrong password, and records altered in transit.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "there is no release binary: make build"))
struct LoginTests {
    @Test func aWrongPasswordIsLoggedAtBothEndsAndRetriedWithBackOff() throws {
        var attempt = try Attempt(user: TunnelPair.user, password: "wrong-4c2e-heron")
        attempt.options.route = "connect-timeout = 1s"
        let pair = try attempt.start()
        try pair.client.line(with: "peer refuses the password, trying again", "peer=other")
        try pair.server.line(with: "login failed", "user=alice", "why=password")
        // Without a link, the client resets its visitors.
        #expect(try pair.connect().readToEnd().end == .reset)
        try pair.client.line(with: "stream closed", "why=no-link")

        // The client retries after one second, then after two. A thread of the relay may have been late by half of that.
        let passages = try attempt.passages(3)
        #expect(passages[1].began - passages[0].began > .milliseconds(500))
        #expect(passages[2].began - passages[1].began > .seconds(1))
        #expect(pair.client.lines(with: "peer refuses the password").count == 1)
        for output in [pair.client.output, pair.server.output] {
            #expect(!output.contains("wrong-4c2e-heron"))
            #expect(!output.contains(TunnelPair.password))
        }
    }

    @Test func anUnknownUserLooksLikeAWrongPassword() throws {
        let wrong = try Attempt(user: TunnelPair.user, password: "wrong-4c2e-heron")
        let wrongPair = try wrong.start()
        try wrongPair.client.line(with: "peer refuses the password, trying again")
        let unknown = try Attempt(user: "carol", password: "wrong-4c2e-heron")
        let unknownPair = try unknown.start()
        try unknownPair.client.line(with: "peer refuses the password, trying again")
        let line = try unknownPair.server.line(with: "login failed", "why=password")
        #expect(!line.contains("carol"))

        // The first attempt learns the realm; the second uses it.
        let known = try wrong.passages(2).prefix(2).map { [$0.up, $0.down] }
        let other = try unknown.passages(2).prefix(2).map { [$0.up, $0.down] }
        #expect(known == other)
        #expect(known.allSatisfy { $0[0] > 100 && $0[1] > 100 })
        #expect(
            wrongPair.client.lines(with: "refuses the password").first?.drop { $0 != " " }
                == unknownPair.client.lines(with: "refuses the password").first?.drop { $0 != " " }
        )
    }

    @Test(arguments: [true, false])
    func aDamagedRecordLosesOnlyItsLink(isUp: Bool) throws {
        let target = try PlainListener(.ipv4(port: 0))
        var options = TunnelPair.Options()
        let link = try PlainAddress.free()
        let relay = try WireRelay(to: link)
        let direct = try PlainAddress.free()
        options.link = link
        options.peerAddress = relay.address.description
        options.serverGlobals = "workers = 1"
        options.clientGlobals = "workers = 1"
        options.peer = "links = 1"
        options.route = """
            [peer direct]
            address = \(link)
            user = \(TunnelPair.user)
            password-file = password
            links = 1
            [route direct]
            accept = \(direct)
            peer = direct
            service = app
            """
        let pair = try TunnelPair(to: target.address, options)
        try pair.client.line(with: "peer is up", "peer=direct")
        let (visitor, served) = try pair.stream(with: target)
        let neighbour = try PlainSocket(to: direct)
        try neighbour.write("hello")
        let servedNeighbour = try target.accept()
        #expect(try servedNeighbour.read(5) == Array("hello".utf8))

        relay.damage(isUp ? .up : .down)
        let (writer, reader) = isUp ? (visitor, served) : (served, visitor)
        try writer.write("these bytes are altered on their way")
        // The receiver drops the altered record, and its sender sends it again over another link.
        #expect(try reader.read(36) == Array("these bytes are altered on their way".utf8))
        let finder = isUp ? pair.server : pair.client
        try finder.line(with: "link lost", "streams=1", "damaged: ")
        for child in [pair.client, pair.server] { try child.line(with: "session resumed", "streams=1") }

        try servedNeighbour.write("still here")
        #expect(try neighbour.read(10) == Array("still here".utf8))
        neighbour.finish()
        #expect(try servedNeighbour.readToEnd().end == .end)
        #expect(pair.server.lines(with: "link lost").count == 1)

        try reader.write("and so are these")
        #expect(try writer.read(16) == Array("and so are these".utf8))
        visitor.finish()
        #expect(try served.readToEnd().end == .end)
    }

    /// A client with a relay in front of its server.
    private struct Attempt {
        var options = TunnelPair.Options()
        private let relay: WireRelay

        init(user: String, password: String) throws {
            let link = try PlainAddress.free()
            relay = try WireRelay(to: link)
            options.link = link
            options.peerAddress = relay.address.description
            options.clientGlobals = "workers = 1"
            options.peer = "links = 1"
            options.user = user
            options.clientPassword = password
            options.waitsForLink = false
        }

        func start() throws -> TunnelPair {
            try TunnelPair(to: try PlainAddress.free(), options)
        }

        /// Waits until the first `count` connections of the client have ended, and returns them.
        func passages(_ count: Int) throws -> [WireRelay.Passage] {
            try Waiting.for("\(count) attempts") {
                let over = relay.passages.prefix { $0.openDirections == 0 }
                return over.count >= count ? Array(over) : nil
            }
        }
    }
}
