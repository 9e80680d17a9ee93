import Testing

/// Every kind of address that `tunnel.conf` accepts.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "there is no release binary: make build"))
struct AddressTests {
    @Test func aStreamGoesOverIPv4() throws {
        let target = try PlainListener.echo(at: .ipv4(port: 0))
        try Self.expectEcho(TunnelPair(to: target.address))
    }

    @Test func routeLinkAndTargetMayAllBeIPv6() throws {
        let target = try PlainListener.echo(at: .ipv6(port: 0))
        var options = TunnelPair.Options()
        options.entry = .ipv6(port: try PlainListener(.ipv6(port: 0)).port)
        options.link = .ipv6(port: try PlainListener(.ipv6(port: 0)).port)
        try Self.expectEcho(TunnelPair(to: target.address, options))
    }

    @Test func routeLinkAndTargetMayAllBeUnixSockets() throws {
        let folder = try TemporaryFolder()
        let target = try PlainListener.echo(at: .unix(path: folder.newPath("target")))
        var options = TunnelPair.Options()
        options.entry = .unix(path: folder.newPath("entry"))
        options.link = .unix(path: folder.newPath("link"))
        let pair = try TunnelPair(to: target.address, options)
        try Self.expectEcho(pair)
        // The ends replace the sockets that the killed processes left behind.
        try pair.restartServer()
        try pair.restartClient()
        try pair.client.line(with: "peer is up")
        try Self.expectEcho(pair)
    }

    @Test func everyAddressOfANameIsTried() throws {
        // On most machines `localhost` also has the address `::1`, where nobody listens.
        let target = try PlainListener.echo(at: .ipv4(port: 0))
        let link = try PlainAddress.free()
        guard case .ipv4(let port) = link else { return }
        var options = TunnelPair.Options()
        options.link = link
        options.peerAddress = "localhost:\(port)"
        let pair = try TunnelPair(to: "localhost:\(target.port)", options)
        try Self.expectEcho(pair)
        try pair.server.line(with: "stream closed", "to=127.0.0.1:\(target.port)", "why=fin")
    }

    @Test func theNextTargetIsTriedIfOneRefuses() throws {
        let target = try PlainListener.echo(at: .ipv6(port: 0))
        var options = TunnelPair.Options()
        options.service = "connect = \(target.address)"
        let pair = try TunnelPair(to: try .free(), options)
        try Self.expectEcho(pair)
        try pair.server.line(with: "stream closed", "to=\(target.address)", "why=fin")
    }

    @Test func theNextAddressOfAPeerIsTriedIfOneRefuses() throws {
        let target = try PlainListener.echo()
        var options = TunnelPair.Options()
        let link = try PlainAddress.free()
        options.link = link
        options.peerAddress = "\(try PlainAddress.free()), \(link)"
        let pair = try TunnelPair(to: target.address, options)
        try Self.expectEcho(pair)
        try pair.client.line(with: "link established", "address=\(link)")
        #expect(pair.client.lines(with: "peer is down").isEmpty)
    }

    @Test func theNextAddressOfAPeerIsTriedIfOneSendsNoHandshake() throws {
        let target = try PlainListener.echo()
        // The kernel accepts the connection, and nobody ever sends a byte.
        let mute = try PlainListener(.ipv4(port: 0))
        var options = TunnelPair.Options()
        let link = try PlainAddress.free()
        options.link = link
        options.peerAddress = "\(mute.address), \(link)"
        options.peer = "handshake-timeout = 1s"
        let pair = try TunnelPair(to: target.address, options)
        try Self.expectEcho(pair)
        try pair.client.line(with: "link established", "address=\(link)")
    }

    @Test(arguments: ["127.0.0.1", "unix"])
    func aTargetThatIsDownIsAResetAndBothLogsNameTheReason(kind: String) throws {
        let folder = try TemporaryFolder()
        let target = kind == "unix" ? PlainAddress.unix(path: folder.newPath("nobody")) : try .free()
        let pair = try TunnelPair(to: target)
        let visitor = try pair.connect()
        #expect(try visitor.readToEnd().end == .reset)
        let lines = try pair.streamLines()
        for line in [lines.client, lines.server] {
            #expect(line["why"] == (kind == "unix" ? "unreachable(ENOENT)" : "refused(ECONNREFUSED)"))
            #expect(line["by"] == "target")
        }
        #expect(lines.client["id"] == lines.server["id"])
        #expect(lines.server["to"] == "\(target)")
    }

    @Test func aTargetThatComesUpIsReachedWithoutARestart() throws {
        let target = try PlainAddress.free()
        let pair = try TunnelPair(to: target)
        #expect(try pair.connect().readToEnd().end == .reset)
        let service = try PlainListener.echo(at: target)
        defer { service.close() }
        try Self.expectEcho(pair)
    }

    private static func expectEcho(
        _ pair: @autoclosure () throws -> TunnelPair,
        location: SourceLocation = #_sourceLocation
    ) throws {
        let pair = try pair()
        let visitor = try pair.connect()
        let question = Array("is there anybody there?".utf8)
        try visitor.write(question)
        #expect(try visitor.read(question.count) == question, sourceLocation: location)
        visitor.finish()
        let rest = try visitor.readToEnd()
        #expect(rest.bytes.isEmpty && rest.end == .end, sourceLocation: location)
        visitor.close()
        try pair.client.line(with: "stream closed", "why=fin")
    }
}
