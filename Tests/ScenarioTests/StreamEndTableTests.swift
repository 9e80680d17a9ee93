import Glibc
import Testing

/// The table of OPERATIONS.md with the ends of a stream: both ends log the same end and the same byte counts.
///
/// ``StreamEndingTests`` tests `fin`, `reset` and `idle`; ``StreamRefusalTests`` tests streams that the server does not accept.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "\(Sallyport.missing)"))
struct StreamEndTableTests {
    private func expectRefusal(
        _ pair: TunnelPair,
        why: Substring,
        location: SourceLocation = #_sourceLocation
    ) throws {
        #expect(try pair.connect().readToEnd().end == .reset, sourceLocation: location)
        let lines = try pair.streamLines()
        for line in [lines.client, lines.server] {
            #expect(line["why"] == why, sourceLocation: location)
            #expect(line["by"] == "target", sourceLocation: location)
            #expect(line["up"] == "0B" && line["down"] == "0B", sourceLocation: location)
        }
        #expect(lines.client["id"] == lines.server["id"], sourceLocation: location)
    }

    @Test func aRefusingTargetIsLoggedWithItsErrno() throws {
        try expectRefusal(TunnelPair(to: try .free()), why: "refused(ECONNREFUSED)")
    }

    @Test func aMissingTargetIsLoggedWithItsErrno() throws {
        try expectRefusal(TunnelPair(to: .unix(path: "/nowhere/at/all")), why: "unreachable(ENOENT)")
    }

    @Test func aTargetWithoutAnAddressIsLogged() throws {
        try expectRefusal(TunnelPair(to: "no-such-host.invalid:80"), why: "resolve")
    }

    @Test func aTargetThatDoesNotAnswerIsLoggedAfterConnectTimeout() throws {
        // Nobody accepts connections, and the backlog is full.
        let target = try FullListener()
        var options = TunnelPair.Options()
        options.service = "connect-timeout = 1s"
        try expectRefusal(TunnelPair(to: target.address, options), why: "timeout")
    }

    @Test func aLimitOfTheOtherEndIsLogged() throws {
        let target = try PlainListener(.ipv4(port: 0))
        var options = TunnelPair.Options()
        options.serverGlobals = "max-streams = 1"
        options.clientGlobals = "workers = 1"
        options.peer = "links = 1"
        options.route = "connect-timeout = 1s"
        let pair = try TunnelPair(to: target.address, options)
        let (visitor, _) = try pair.stream(with: target)
        #expect(try pair.connect().readToEnd().end == .reset)
        try pair.client.line(with: "stream closed", "why=limit", "by=acceptor", "up=0B", "down=0B")
        try pair.client.line(with: "refused", "what=limit", "why=max-streams")
        visitor.close()
    }

    @Test func removingAUserEndsOnlyTheSessionsOfThatUser() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let bobs = try PlainAddress.free()
        var options = TunnelPair.Options()
        options.route = """
            [peer bobs]
            address = 127.0.0.1:1
            user = bob
            password-file = password
            [route bobs]
            accept = \(bobs)
            peer = bobs
            service = app
            """
        let link = try PlainAddress.free()
        options.link = link
        options.route = options.route.replacing("127.0.0.1:1\n", with: "\(link)\n")
        let pair = try TunnelPair(to: target.address, options)
        let passwords = "\(pair.folder.path)/passwords"
        func passwd(_ arguments: String..., input: String? = nil) throws {
            let child = try Child(
                [Sallyport.path, "passwd", passwords] + arguments,
                in: pair.folder,
                input: input
            )
            #expect(try child.wait() == .exited(0), "\(child.output)")
        }
        try passwd("bob", input: TunnelPair.password + "\n")
        pair.server.signal(SIGHUP)
        try pair.server.line(with: "passwords reloaded", "users=2")
        try pair.client.line(with: "peer is up", "peer=bobs")
        let (visitor, served) = try pair.stream(with: target)
        let neighbour = try PlainSocket(to: bobs)
        try neighbour.write("bob")
        let servedNeighbour = try target.accept()
        #expect(try servedNeighbour.read(3) == Array("bob".utf8))

        try passwd("alice", "--delete")
        pair.server.signal(SIGHUP)
        #expect(try visitor.readToEnd().end == .reset)
        #expect(try served.readToEnd().end == .reset)
        try pair.expectOneLine(why: "revoked", by: "acceptor")
        for child in [pair.client, pair.server] {
            try child.line(with: "link closed", "user=alice", "why=revoked", "streams=1")
        }
        try pair.client.line(with: "peer refuses the password", "peer=other")

        try servedNeighbour.write("still")
        #expect(try neighbour.read(5) == Array("still".utf8))
    }

    @Test func anInvalidPasswordFileKeepsTheCurrentUsers() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address)
        let (visitor, served) = try pair.stream(with: target)
        try pair.folder.write("this is no password file\n", to: "\(pair.folder.path)/passwords")
        pair.server.signal(SIGHUP)
        try pair.server.line(with: "passwords could not be reloaded", "passwords:1")
        try served.write("still")
        #expect(try visitor.read(5) == Array("still".utf8))
        let (next, _) = try pair.stream(with: target)
        next.close()
    }

    @Test(arguments: [true, false])
    func aStoppedEndIsLoggedAtBothEnds(isClient: Bool) throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address)
        let (visitor, served) = try pair.stream(with: target)
        let process = isClient ? pair.client : pair.server
        process.signal(SIGTERM)
        try process.line(with: "draining")
        process.signal(SIGTERM)
        #expect(try process.wait() == .exited(75))
        #expect(try visitor.readToEnd().end == .reset)
        #expect(try served.readToEnd().end == .reset)
        try pair.expectOneLine(why: "shutdown", by: isClient ? "opener" : "acceptor")
    }

    @Test func aLinkThatIsNotResumedIsLoggedAtBothEnds() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let (pair, line) = try TunnelPair.onALine(to: target.address) {
            $0.peer = "keepalive = 1s/2s\nresume-window = 1s"
            $0.server = "keepalive = 1s/2s\nresume-window = 1s"
        }
        let (visitor, served) = try pair.stream(with: target)
        line.change { $0.isBlackHole = true }
        line.cutAll(.vanish)
        #expect(try visitor.readToEnd().end == .reset)
        #expect(try served.readToEnd().end == .reset)
        try pair.expectOneLine(why: "link-lost", by: "link")
        for child in [pair.client, pair.server] { try child.line(with: "session lost", "streams=1") }
    }
}

/// A listener that accepts no connection and whose backlog is full, so that connecting waits.
private final class FullListener {
    let address: PlainAddress
    private let descriptor: Int32
    private var waiting: [Int32] = []

    init() throws {
        let address = try PlainAddress.free()
        self.address = address
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard address.withSocketAddress({ bind(descriptor, $0, $1) }) == 0, listen(descriptor, 0) == 0 else {
            throw ScenarioFailure("listen \(address): \(String(cString: strerror(errno)))")
        }
        for _ in 0..<3 {
            let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            let client = socket(AF_INET, type, 0)
            _ = address.withSocketAddress { connect(client, $0, $1) }
            waiting.append(client)
        }
    }

    deinit {
        for client in waiting + [descriptor] { close(client) }
    }
}
