import Testing

/// Many readers that stall at the same time, and readers that never continue.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "there is no release binary: make build"))
struct StalledReadersTests {
    private static let content = CheckedBytes(name: 3)

    @Test func twentyStalledReadersDoNotDelayAnotherStream() throws {
        let target = try PlainListener(.ipv4(port: 0))
        var options = TunnelPair.Options()
        // 24 MiB exceed these windows and the largest system buffers together.
        options.server = "window = 256KiB/1MiB"
        options.peer = "window = 256KiB/1MiB"
        let pair = try TunnelPair(to: target.address, options)
        let sent = Progress()
        var stalled: [PlainSocket] = []
        var serving: [Background<Void>] = []
        for _ in 0..<20 {
            let (visitor, served) = try pair.stream(with: target)
            visitor.limitReceiveBuffer(64 << 10)
            stalled.append(visitor)
            serving.append(Background { try Self.send(384, to: served, sent) })
        }
        try sent.waitUntilItStops()
        #expect(!serving.contains { $0.isOver })
        try Self.exchange(pair, target)
        for visitor in stalled {
            try Self.content.check(pieces: 384, from: visitor)
            #expect(try visitor.readToEnd().end == .end)
        }
        for service in serving { try service.wait() }
    }

    @Test func resettingAStalledStreamFreesItsMemory() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address)
        try Self.exchange(pair, target)
        let before = pair.client.residentBytes
        for _ in 0..<4 {
            let (visitor, served) = try pair.stream(with: target)
            let sent = Progress()
            let sending = Background { try Self.send(4096, to: served, sent) }
            try sent.waitUntilItStops()
            visitor.reset()
            // The writes fail when the reset has arrived.
            #expect(throws: ScenarioFailure.self) { try sending.wait() }
        }
        // Four retained windows of 16 MiB would be 64 MiB.
        try Waiting.until("memory to be given back: \(pair.client.residentBytes) of \(before)") {
            pair.client.residentBytes < before + 24 << 20
        }
        try Self.exchange(pair, target)
    }

    private static func send(_ pieces: Int, to socket: PlainSocket, _ sent: Progress) throws {
        for number in 0..<pieces {
            try socket.write(content.piece(number))
            sent.add(1)
        }
        socket.finish()
    }

    /// Moves 8 MiB in each direction over a new stream.
    private static func exchange(_ pair: TunnelPair, _ target: PlainListener) throws {
        let (visitor, served) = try pair.stream(with: target)
        for (from, to) in [(visitor, served), (served, visitor)] {
            let sending = Background { try content.write(pieces: 128, to: from) }
            try content.check(pieces: 128, from: to)
            try sending.wait()
        }
        visitor.finish()
        #expect(try served.readToEnd().end == .end)
        served.finish()
        #expect(try visitor.readToEnd().end == .end)
    }
}
