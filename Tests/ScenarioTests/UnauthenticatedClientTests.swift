import Testing

/// Unauthenticated clients at the server's port: they get nothing, cost little, and do not affect existing streams.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "there is no release binary: make build"))
struct UnauthenticatedClientTests {
    /// The bytes of a client that does not speak the protocol, and the expected log line.
    struct ClientInput: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let bytes: [UInt8]
        var why = "garbage"
        var text = "not this protocol"
    }

    static let inputs = [
        ClientInput(testDescription: "noise", bytes: Array(Pattern.block(at: 1)[..<600])),
        ClientInput(
            testDescription: "a TLS hello",
            bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03]
                + [UInt8](repeating: 7, count: 506)
        ),
        ClientInput(testDescription: "HTTP", bytes: Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)),
        ClientInput(
            testDescription: "a hello of 64 KiB",
            bytes: hello(count: 0xFFFF),
            text: "malformed message: message length"
        ),
        ClientInput(testDescription: "a record of 16 MiB", bytes: [0xD1, 0xFF, 0xFF, 0xFF] + [1, 2, 3]),
        ClientInput(
            testDescription: "a hello of zeros",
            bytes: hello(count: 512) + [UInt8](repeating: 0, count: 512),
            text: ""
        ),
    ]

    private static func hello(count: Int) -> [UInt8] {
        [0xF5, 0x53, 0x4C, 0x59, 1, 1, UInt8(count >> 8), UInt8(count & 0xFF)]
    }

    @Test(arguments: inputs)
    func aClientThatSpeaksAnotherProtocolIsDisconnected(input: ClientInput) throws {
        try expectDisconnected(why: input.why, text: input.text) { client in
            try client.write(input.bytes)
        }
    }

    @Test func aClientThatSendsNothingIsDisconnected() throws {
        try expectDisconnected(why: "timeout", text: "no data received") { _ in }
    }

    @Test func aClientThatSendsOneByteAtATimeIsDisconnected() throws {
        try expectDisconnected(why: "timeout", text: "the handshake took too long") { client in
            for byte in Self.hello(count: 2048) { try client.write([byte]) }
            // Sends one byte at a time until the server closes the connection.
            let drip = Background {
                for _ in 0..<2000 where (try? client.write([0])) != nil { _ = client.isReadable(within: 20) }
            }
            try drip.wait()
        }
    }

    @Test func manyUnauthenticatedClientsAreLimitedAndTheirDescriptorsFreed() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address, Self.options)
        let (visitor, served) = try pair.stream(with: target)
        let before = pair.server.descriptorCount
        let clients = try (0..<200).map { _ in try PlainSocket(to: pair.link) }
        try pair.server.line(
            with: "link refused",
            "why=busy",
            "too many handshakes from this address at once"
        )
        try Self.expectAlive(visitor, served)
        for client in clients { client.close() }
        try Waiting.until("the descriptors to be given back") { pair.server.descriptorCount == before }
        try Self.expectAlive(visitor, served)
    }

    @Test func afterManyFailuresFromAnAddressItsLoginsAreRejectedAsBusy() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address, Self.options)
        let (visitor, served) = try pair.stream(with: target)
        let before = pair.server.descriptorCount
        try Self.failOften(at: pair.link)
        let child = try Sallyport.run(
            "connect",
            "\(TunnelPair.user)@\(pair.link)",
            "app",
            "--password-file",
            "password",
            in: pair.folder
        )
        #expect(child.end == .exited(69))
        #expect(child.output.contains("rejected by server: busy, try again after"))
        try pair.server.line(with: "link refused", "why=busy", "too many failures from this address")
        // The limit does not affect an established session.
        try Self.expectAlive(visitor, served)
        try Waiting.until("the descriptors to be given back") { pair.server.descriptorCount == before }
    }

    @Test func afterManyFailuresFromAnAddressItsSessionsStillResume() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let (pair, line) = try TunnelPair.onALine(to: target.address, Self.shortenTimeouts)
        let (visitor, served) = try pair.stream(with: target)
        for round in 1...3 {
            try Self.failOften(at: pair.link)
            line.cutAll(.reset)
            try Self.expectAlive(visitor, served)
            try Waiting.until("the session to come back in round \(round)") {
                pair.server.lines(with: "session resumed").count == round
            }
        }
        #expect(pair.client.lines(with: "link established").count == 1)
    }

    /// Sends invalid bytes more often than the server tolerates from an address from which a client has logged in.
    private static func failOften(at address: PlainAddress) throws {
        for _ in 0..<100 {
            let client = try PlainSocket(to: address)
            try? client.write("GET / HTTP/1.1\r\n\r\n")
            _ = try? client.readToEnd()
        }
    }

    private static var options: TunnelPair.Options {
        var options = TunnelPair.Options()
        shortenTimeouts(&options)
        return options
    }

    /// One link, and a short time limit for handshakes.
    private static func shortenTimeouts(_ options: inout TunnelPair.Options) {
        options.serverGlobals = "workers = 1"
        options.clientGlobals = "workers = 1"
        options.peer = "links = 1"
        options.server = "handshake-timeout = 1s"
    }

    private func expectDisconnected(why: String, text: String, _ send: (PlainSocket) throws -> Void) throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address, Self.options)
        let (visitor, served) = try pair.stream(with: target)
        let before = pair.server.descriptorCount
        let client = try PlainSocket(to: pair.link)
        try send(client)
        // The server sends at most a Reject, never a ServerHello.
        #expect(try client.readToEnd().bytes.count <= 12)
        try pair.server.line(with: "link refused", "from=127.0.0.1:", "why=\(why)", text)
        client.close()
        try Waiting.until("the descriptors to be given back") { pair.server.descriptorCount == before }
        try Self.expectAlive(visitor, served)
    }

    private static func expectAlive(
        _ visitor: PlainSocket,
        _ served: PlainSocket,
        location: SourceLocation = #_sourceLocation
    ) throws {
        try visitor.write("still there?")
        #expect(try served.read(12) == Array("still there?".utf8), sourceLocation: location)
        try served.write("yes")
        #expect(try visitor.read(3) == Array("yes".utf8), sourceLocation: location)
    }
}
