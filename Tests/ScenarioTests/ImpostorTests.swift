import Testing

/// Another program at one of the peer's addresses: the client tries the next address, whatever that program does.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "there is no release binary: make build"))
struct ImpostorTests {
    enum Impostor: CaseIterable, Sendable {
        case closing
        case resetting
        case babbling

        func serve(_ socket: PlainSocket) throws {
            switch self {
            case .closing: break
            case .resetting: socket.reset()
            case .babbling:
                try socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")
                _ = try socket.readToEnd()
            }
        }
    }

    @Test(arguments: Impostor.allCases)
    func theClientTriesTheNextAddressIfOneIsNoPeer(impostor: Impostor) throws {
        let echo = try PlainListener.echo()
        let other = try PlainListener(.ipv4(port: 0))
        other.serve(impostor.serve)
        var options = TunnelPair.Options()
        let link = try PlainAddress.free()
        options.link = link
        options.peerAddress = "\(other.address), \(link)"
        let pair = try TunnelPair(to: echo.address, options)
        try pair.client.line(with: "link established", "address=\(link)")
        let visitor = try pair.connect()
        try visitor.write("hello")
        #expect(try visitor.read(5) == Array("hello".utf8))
        #expect(pair.client.lines(with: "peer is down").isEmpty)
    }
}
