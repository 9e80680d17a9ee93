import Testing

/// The end of a stream, as the applications and the logs of both ends see it.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "there is no release binary: make build"))
struct StreamEndingTests {
    @Test func aRequestIsAnsweredInFullAfterTheVisitorsEnd() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address)
        let visitor = try pair.connect()
        try visitor.write("question")
        visitor.finish()
        let served = try target.accept()
        let asked = try served.readToEnd()
        #expect(asked.bytes == Array("question".utf8))
        #expect(asked.end == .end)
        let answer = [UInt8](repeating: 0x61, count: 3 << 20)
        try served.write(answer)
        served.close()
        let answered = try visitor.readToEnd()
        #expect(answered.bytes == answer)
        #expect(answered.end == .end)
        visitor.close()

        let lines = try pair.streamLines()
        for line in [lines.client, lines.server] {
            #expect(line["why"] == "fin")
            #expect(line["by"] == "visitor")
            #expect(line["up"] == "8B")
            #expect(line["down"] == "3.0MiB")
        }
        #expect(lines.client["id"] == lines.server["id"])
    }

    @Test func aTargetThatEndsFirstStillReceivesEverything() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address)
        let visitor = try pair.connect()
        let served = try target.accept()
        try served.write("greeting")
        served.finish()
        let greeting = try visitor.readToEnd()
        #expect(greeting.bytes == Array("greeting".utf8))
        #expect(greeting.end == .end)
        let upload = [UInt8](repeating: 0x62, count: 2 << 20)
        let sender = Background { try visitor.write(upload) }
        #expect(try served.read(upload.count) == upload)
        try sender.wait()
        visitor.close()
        #expect(try served.readToEnd().end == .end)

        let lines = try pair.streamLines()
        for line in [lines.client, lines.server] {
            #expect(line["why"] == "fin")
            #expect(line["by"] == "target")
            #expect(line["up"] == "2.0MiB")
            #expect(line["down"] == "8B")
        }
        #expect(lines.client["id"] == lines.server["id"])
    }

    @Test func bothSidesMayEndWithoutAByte() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address)
        let visitor = try pair.connect()
        let served = try target.accept()
        visitor.finish()
        served.finish()
        #expect(try visitor.readToEnd().end == .end)
        #expect(try served.readToEnd().end == .end)

        let lines = try pair.streamLines()
        for line in [lines.client, lines.server] {
            #expect(line["why"] == "fin")
            #expect(line["up"] == "0B")
            #expect(line["down"] == "0B")
        }
    }

    @Test func aVisitorsResetIsAResetAtTheTarget() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address)
        let (visitor, served) = try pair.stream(with: target)
        visitor.reset()
        #expect(try served.readToEnd().end == .reset)
        try pair.expectOneLine(why: "reset", by: "visitor")
    }

    @Test func aTargetsResetIsAResetAtTheVisitor() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address)
        let (visitor, served) = try pair.stream(with: target)
        served.reset()
        #expect(try visitor.readToEnd().end == .reset)
        try pair.expectOneLine(why: "reset", by: "target")
    }

    @Test func aResetAfterTheVisitorsEndIsStillAReset() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address)
        let (visitor, served) = try pair.stream(with: target)
        visitor.finish()
        #expect(try served.readToEnd().end == .end)
        served.reset()
        #expect(try visitor.readToEnd().end == .reset)
        try pair.expectOneLine(why: "reset", by: "target")
    }

    @Test func anIdleStreamIsResetAfterIdleTimeout() throws {
        let target = try PlainListener(.ipv4(port: 0))
        var options = TunnelPair.Options()
        options.service = "idle-timeout = 1s"
        let pair = try TunnelPair(to: target.address, options)
        let (visitor, served) = try pair.stream(with: target)
        #expect(try visitor.readToEnd().end == .reset)
        #expect(try served.readToEnd().end == .reset)
        try pair.expectOneLine(why: "idle", by: "acceptor")
    }

    @Test func anActiveHalfClosedStreamIsNeverReset() throws {
        let target = try PlainListener(.ipv4(port: 0))
        var options = TunnelPair.Options()
        options.route = "half-close-timeout = 1s"
        options.service = "half-close-timeout = 1s"
        let pair = try TunnelPair(to: target.address, options)
        let (visitor, served) = try pair.stream(with: target)
        visitor.finish()
        #expect(try served.readToEnd().end == .end)
        // Four times the timeout in total, but each pause between two bytes is shorter than the timeout.
        let pause = Int32(400)
        for number in 0..<10 {
            try served.write([UInt8(number)])
            #expect(try visitor.read(1) == [UInt8(number)])
            #expect(!visitor.isReadable(within: pause))
        }
        served.finish()
        #expect(try visitor.readToEnd().end == .end)
        #expect(try StreamLine(pair.client.line(with: "stream closed"))["why"] == "fin")
    }

    @Test func aSilentHalfClosedStreamIsResetAfterHalfCloseTimeout() throws {
        let target = try PlainListener(.ipv4(port: 0))
        var options = TunnelPair.Options()
        options.route = "half-close-timeout = 1s"
        let pair = try TunnelPair(to: target.address, options)
        let (visitor, served) = try pair.stream(with: target)
        visitor.finish()
        #expect(try served.readToEnd().end == .end)
        #expect(try visitor.readToEnd().end == .reset)
        try served.waitForReset()
        try pair.expectOneLine(why: "idle", by: "opener")
    }
}

/// Streams that an end of the tunnel refuses or can no longer carry.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "there is no release binary: make build"))
struct StreamRefusalTests {
    @Test func aKilledServerEndIsAResetAtTheVisitor() throws {
        let target = try PlainListener(.ipv4(port: 0))
        var options = TunnelPair.Options()
        options.peer = "resume-window = 1s"
        let pair = try TunnelPair(to: target.address, options)
        let (visitor, served) = try pair.stream(with: target)
        defer { served.close() }
        pair.server.kill()
        #expect(try visitor.readToEnd().end == .reset)
        try pair.client.line(with: "link lost", "streams=1", "connection closed by peer")
        try pair.client.line(with: "stream closed", "why=link-lost by=link")
        try pair.client.line(with: "session lost", "streams=1", "why=link-lost")
        #expect(pair.client.lines(with: "stream closed").count == 1)
    }

    @Test func aKilledClientEndIsAResetAtTheTarget() throws {
        let target = try PlainListener(.ipv4(port: 0))
        var options = TunnelPair.Options()
        options.server = "resume-window = 1s"
        let pair = try TunnelPair(to: target.address, options)
        let (visitor, served) = try pair.stream(with: target)
        defer { visitor.close() }
        pair.client.kill()
        #expect(try served.readToEnd().end == .reset)
        try pair.server.line(with: "link lost", "streams=1", "connection closed by peer")
        try pair.server.line(with: "stream closed", "why=link-lost by=link")
        try pair.server.line(with: "session lost", "streams=1", "why=link-lost")
        #expect(pair.server.lines(with: "stream closed").count == 1)
    }

    @Test func anUnknownServiceIsAResetWithItsReason() throws {
        var options = TunnelPair.Options()
        options.route = "service = elsewhere"
        let pair = try TunnelPair(to: try .free(), options)
        let visitor = try pair.connect()
        #expect(try visitor.readToEnd().end == .reset)
        try pair.client.line(with: "stream closed", "service=elsewhere", "why=no-service by=acceptor")
        try pair.server.line(with: "refused", "elsewhere", "why=no-service")
        #expect(pair.client.lines(with: "stream closed").count == 1)
    }

    @Test func aUserThatAllowDoesNotNameIsRefused() throws {
        var options = TunnelPair.Options()
        options.service = "allow = bob"
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address, options)
        let visitor = try pair.connect()
        #expect(try visitor.readToEnd().end == .reset)
        try pair.client.line(with: "stream closed", "why=forbidden by=acceptor")
        try pair.server.line(with: "refused", "app", "alice", "why=forbidden")
        #expect(pair.client.lines(with: "stream closed").count == 1)
    }
}
