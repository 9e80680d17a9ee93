import Basics
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

/// Complete sessions over paths with a long delay: windows, log and acknowledgements together fill the bandwidth.
@Suite struct LongPathTests {
    /// At 1 Gbit/s, after the first second.
    @Test(arguments: [(20, 90), (100, 75)]) func oneStreamFillsALongPath(
        milliseconds: Int,
        percent: Int
    ) throws {
        var options = Session.Options(parameters: SessionParameters())
        // The log keeps all bytes in flight, so it must be large enough for them.
        options.logBytes = 64 << 20
        var link = SimulatedLink(try Pair(client: options, server: options))
        for way in [\SimulatedLink.toServer, \.toClient] {
            link[keyPath: way].latency = .milliseconds(milliseconds / 2)
            link[keyPath: way].rate = 125_000
            link[keyPath: way].capacity = 32 << 20
        }
        _ = link.client.open(sending: 1 << 40, thenEnd: true, at: link.now)
        link.run(for: .milliseconds(1000))
        let before = link.server.streams[1]?.received ?? 0
        link.run(for: .milliseconds(500))
        let after = link.server.streams[1]?.received ?? 0
        let share = Int(after - before) * 100 / (500 * 125_000)
        #expect(share >= percent, "\(share) % of the way")
        #expect(link.damage.isEmpty)
    }

    @Test func aRequestBesideBulkIsAnsweredInOneRoundTrip() throws {
        var options = Session.Options(parameters: SessionParameters())
        options.logBytes = 16 << 20
        var link = SimulatedLink(try Pair(client: options, server: options))
        for way in [\SimulatedLink.toServer, \.toClient] {
            link[keyPath: way].latency = .milliseconds(10)
            link[keyPath: way].rate = 125_000
            // The system's send buffer is limited, so that it holds few bytes ahead of new ones.
            link[keyPath: way].capacity = 2 * 1_250_000 + (128 << 10)
        }
        link.server.answer = 40
        for _ in 0..<20 { _ = link.client.open(sending: 1 << 30, thenEnd: true, at: link.now) }
        link.run(for: .milliseconds(500))
        let asked = link.now
        let handle = try #require(link.client.open(sending: 40, thenEnd: true, at: link.now))
        while link.client.streams[handle.id.rawValue]?.hasEnded != true,
            link.now < asked.advanced(by: .seconds(1))
        {
            link.run(for: .milliseconds(1))
        }
        // The round trip takes 20 ms, and the buffered bytes another 20 ms.
        #expect(link.now.duration(since: asked) <= .milliseconds(45))
        #expect(link.damage.isEmpty)
    }
}
