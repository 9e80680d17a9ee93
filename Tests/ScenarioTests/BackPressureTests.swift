import Testing

/// A side that does not read: the other side stops sending, and the tunnel buffers only a limited number of bytes.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "there is no release binary: make build"))
struct BackPressureTests {
    /// More than the kernel's buffers and the tunnel's windows can hold together.
    private static let total = 160 << 20
    /// The permitted growth in memory of both ends together: a stream's largest window and the outbound log at each end,
    /// which is 40 MiB, and as much again for memory that the allocator keeps.
    private static let maxMemory = 80 << 20

    @Test func aTargetThatDoesNotReadStopsOnlyItsVisitor() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let other = try PlainListener.echo()
        let pair = try Self.pair(to: target, and: other)
        let (visitor, served) = try pair.tunnel.stream(with: target)
        try Self.expectBackPressure(from: visitor, to: served, in: pair.tunnel, beside: pair.second)
    }

    @Test func aVisitorThatDoesNotReadStopsOnlyItsTarget() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let other = try PlainListener.echo()
        let pair = try Self.pair(to: target, and: other)
        let (visitor, served) = try pair.tunnel.stream(with: target)
        try Self.expectBackPressure(from: served, to: visitor, in: pair.tunnel, beside: pair.second)
    }

    /// Two routes over a single link.
    private static func pair(
        to target: PlainListener,
        and other: PlainListener
    ) throws -> (tunnel: TunnelPair, second: PlainAddress) {
        let second = try PlainAddress.free()
        var options = TunnelPair.Options()
        options.serverGlobals = "workers = 1"
        options.clientGlobals = "workers = 1"
        options.peer = "links = 1"
        options.service = "[service other]\nconnect = \(other.address)"
        options.route = "[route other]\naccept = \(second)\npeer = other"
        let tunnel = try TunnelPair(to: target.address, options)
        try tunnel.client.line(with: "listening", "route=other")
        return (tunnel, second)
    }

    private static func expectBackPressure(
        from writer: PlainSocket,
        to reader: PlainSocket,
        in tunnel: TunnelPair,
        beside second: PlainAddress
    ) throws {
        let memory = tunnel.client.residentBytes + tunnel.server.residentBytes
        let written = Progress()
        let writing = Background {
            for start in stride(from: 0, to: total, by: Pattern.blockCount) {
                try writer.write(Pattern.block(at: start))
                written.add(Pattern.blockCount)
            }
            writer.finish()
        }
        try written.waitUntilItStops()
        #expect(!writing.isOver)
        #expect(written.count < total)

        // Another stream on the same link continues.
        let neighbour = try PlainSocket(to: second)
        let bulk = (0..<64).map { Pattern.block(at: $0 * Pattern.blockCount) }
        let sending = Background { for block in bulk { try neighbour.write(block) } }
        for block in bulk { #expect(try neighbour.read(block.count) == block) }
        try sending.wait()
        neighbour.close()
        try tunnel.client.line(with: "stream closed", "route=other", "why=fin")
        #expect(tunnel.client.lines(with: "link established").count == 1)

        let grown = tunnel.client.residentBytes + tunnel.server.residentBytes - memory
        #expect(grown < maxMemory)

        // Everything arrives when the reader continues.
        for start in stride(from: 0, to: total, by: Pattern.blockCount) {
            let block = try reader.read(Pattern.blockCount)
            if block != Pattern.block(at: start) {
                Issue.record("other bytes than were sent, at \(start)")
                return
            }
        }
        #expect(try reader.readToEnd().bytes.isEmpty)
        try writing.wait()
        reader.close()
        try tunnel.client.line(with: "stream closed", "route=app", "why=fin")
    }
}
