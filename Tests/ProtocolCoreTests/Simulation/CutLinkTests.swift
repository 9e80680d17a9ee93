import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

/// A link that is lost after any byte: every stream has delivered a prefix, and an end only when there was one.
@Suite struct CutLinkTests {
    /// An exchange with something of everything, over a link that takes only so many more bytes.
    private struct Exchange {
        var link: SimulatedLink
        private var left: Int
        private(set) var used = 0

        init(bytes: Int, piece: Int) throws {
            left = bytes
            var options = Session.Options(
                parameters: SessionParameters(maxRecord: 1024, streamWindow: 200, sessionWindow: 700)
            )
            options.chunk = 1024
            options.largestStreamWindow = 400
            options.keyLimits = KeyLimits(records: 12, bytes: 1 << 40)
            link = SimulatedLink(try Pair(client: options, server: options))
            link.toServer.largestPiece = piece
            link.toClient.largestPiece = piece
            link.server.answer = 150
        }

        /// Runs until the bytes are used up or nothing is left to say.
        mutating func run() {
            let now = link.now
            for index in 0..<6 {
                _ = link.client.open(sending: UInt64(index * 60), thenEnd: index != 2, at: now)
                _ = link.server.open(sending: 90, thenEnd: index % 2 == 0, at: now)
            }
            _ = link.client.session.send(
                SessionMessage(type: 1, id: 1, bytes: [UInt8](repeating: 1, count: 300))
            )
            link.client.finish(3)
            link.server.reset(4, .timeout, at: now)
            for round in 0..<60 where step() {
                if round == 5 { link.client.reset(5, .cancelled, at: link.now) }
                if round == 8 { link.client.release(1, at: link.now) }
                if round == 10 { link.server.session.goAway(.none) }
            }
        }

        private mutating func step() -> Bool {
            for (index, end) in [link.client, link.server].enumerated() {
                let bytes = end.pump(at: link.now)
                let other = index == 0 ? link.server : link.client
                var offset = 0
                while offset < bytes.count {
                    let count = min(left, bytes.count - offset, link.toServer.largestPiece)
                    guard count > 0 else { return false }
                    other.deliver(Array(bytes[offset..<offset + count]), at: link.now)
                    offset += count
                    left -= count
                    used += count
                }
            }
            link.run(for: .milliseconds(20), steps: 0)
            for end in [link.client, link.server] { end.handleTimeouts(at: link.now) }
            return true
        }
    }

    @Test(arguments: 0..<8) func aLinkThatIsCutAfterAnyByteLeavesPrefixes(group: Int) throws {
        var whole = try Exchange(bytes: .max, piece: .max)
        whole.run()
        #expect(whole.link.damage.isEmpty)
        #expect(whole.used > 3000)
        #expect(whole.link.server.streams[11]?.hasEnded == true)
        for count in stride(from: group, through: whole.used, by: 8) {
            var exchange = try Exchange(bytes: count, piece: .max)
            exchange.run()
            exchange.link.cut()
            let problems = Self.problems(exchange.link)
            #expect(problems.isEmpty, "cut after \(count) bytes")
        }
    }

    @Test func bytesThatComeOneAtATimeSayTheSame() throws {
        var whole = try Exchange(bytes: .max, piece: .max)
        whole.run()
        var dripped = try Exchange(bytes: .max, piece: 1)
        dripped.run()
        #expect(dripped.used == whole.used)
        for end in [(whole.link.client, dripped.link.client), (whole.link.server, dripped.link.server)] {
            #expect(Set(end.0.allIDs) == Set(end.1.allIDs))
            for id in end.0.allIDs {
                #expect(end.0.anyStream(id)?.received == end.1.anyStream(id)?.received)
                #expect(end.0.anyStream(id)?.hasEnded == end.1.anyStream(id)?.hasEnded)
                #expect(end.0.anyStream(id)?.resetCode == end.1.anyStream(id)?.resetCode)
            }
            #expect(end.0.messages == end.1.messages)
        }
        #expect(dripped.link.damage.isEmpty)
    }

    private static func problems(_ link: SimulatedLink) -> [String] {
        var problems = link.damage
        for end in [link.client, link.server] where end.end != .linkLost(.ended) {
            problems.append("ended with \(String(describing: end.end))")
        }
        problems += link.disagreements(isWhole: false, someoneWentAway: true)
        for end in [link.client, link.server] where end.messages.count > 1 {
            problems.append("a message twice")
        }
        return problems
    }
}
