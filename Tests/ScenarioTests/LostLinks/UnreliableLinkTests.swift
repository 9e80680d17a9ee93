import Glibc
import Testing

/// Long copies over a relay that constantly cuts, alters, delays and holds: every byte arrives exactly once and in order.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "\(Sallyport.missing)"))
struct UnreliableLinkTests {
    private let bytes = CheckedBytes(name: 4242)

    @Test(arguments: [true, false])
    func aGibibyteArrivesUnchangedThroughFiftyCuts(isUp: Bool) throws {
        let target = try PlainListener(.ipv4(port: 0))
        let (pair, line) = try TunnelPair.onALine(to: target.address)
        line.change { $0.cutAfter = 19 << 20 }
        let visitor = try pair.connect()
        let served = try target.accept()
        try copy(1 << 30, from: isUp ? visitor : served, to: isUp ? served : visitor)
        #expect(line.cutCount >= 50)
        for child in [pair.client, pair.server] {
            #expect(child.lines(with: "session resumed").count >= 50)
            try child.line(with: "stream closed", "why=fin", isUp ? "up=1.0GiB" : "down=1.0GiB")
            #expect(child.lines(with: "session lost").isEmpty)
            #expect(child.residentBytes < 96 << 20)
        }
    }

    @Test(arguments: [true, false])
    func anAlteredByteNeverReachesAnApplication(isUp: Bool) throws {
        let target = try PlainListener(.ipv4(port: 0))
        let (pair, line) = try TunnelPair.onALine(to: target.address)
        line.change { $0.damageAfter = 2 << 20 }
        let visitor = try pair.connect()
        let served = try target.accept()
        try copy(64 << 20, from: isUp ? visitor : served, to: isUp ? served : visitor)
        #expect(line.damageCount >= 20)
        let noticed =
            pair.client.lines(with: "link lost", "damaged: ").count
            + pair.server.lines(with: "link lost", "damaged: ").count
        #expect(noticed >= 20)
    }

    @Test(arguments: 1...4) func copiesInBothDirectionsArriveOverAnUnreliableLink(seed: UInt64) throws {
        let target = try PlainListener(.ipv4(port: 0))
        let (pair, line) = try TunnelPair.onALine(to: target.address) {
            $0.peer = "keepalive = 1s/2s"
            $0.server = "keepalive = 1s/2s"
        }
        let streams = try (0..<3).map { _ in try pair.stream(with: target) }
        let ends = streams.flatMap { [($0.visitor, $0.served), ($0.served, $0.visitor)] }
        let bytes = bytes
        let copies = ends.map { sender, receiver in
            Background {
                let writing = Background {
                    try bytes.write(pieces: 640, to: sender)
                    sender.finish()
                }
                try bytes.check(pieces: 640, from: receiver)
                guard try receiver.readToEnd().bytes.isEmpty else {
                    throw ScenarioFailure("more than was sent")
                }
                try writing.wait()
            }
        }
        // The conditions change every tenth of a second; the seed determines them.
        var random = seed
        func next(_ count: UInt64) -> UInt64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (random >> 33) % count
        }
        while !copies.allSatisfy(\.isOver) {
            switch next(8) {
            case 0: line.cutAll(.reset)
            case 1: line.cutAll(.end)
            case 2: line.damage(next(2) == 0 ? .up : .down)
            case 3: line.change { $0.isBlackHole.toggle() }
            case 4: line.change { $0.delay = UInt32(next(20_000)) }
            case 5: line.change { $0.rate = [20 << 20, 4 << 20, .max][Int(next(3))] }
            default: line.change { $0 = WireRelay.Conditions() }
            }
            poll(nil, 0, 100)
        }
        line.change { $0 = WireRelay.Conditions() }
        // A session that was lost before its login was complete had no streams.
        defer {
            for child in [pair.client, pair.server] {
                let lost = child.lines(with: "session lost").filter { !$0.contains("streams=0") }
                #expect(lost.isEmpty, "seed \(seed)")
            }
        }
        for copy in copies { try copy.wait(within: .seconds(60)) }
        #expect(line.cutCount + line.damageCount > 0, "seed \(seed)")
    }

    /// Copies in one direction; the other direction ends without a byte.
    private func copy(_ count: Int, from sender: PlainSocket, to receiver: PlainSocket) throws {
        let (bytes, pieces) = (bytes, count / CheckedBytes.pieceSize)
        receiver.finish()
        Thread.start {
            try? bytes.write(pieces: pieces, to: sender)
            sender.finish()
        }
        try bytes.check(pieces: pieces, from: receiver)
        let rest = try receiver.readToEnd()
        #expect(rest.bytes.isEmpty && rest.end == .end)
        receiver.close()
    }
}
