import Basics
import EventIO
import Testing
import Vocabulary
import WireCoding

@testable import ProtocolCore
@testable import SecureLink

/// The shares of several links of one loop if all of them move bulk.
@Suite struct LinkFairnessTests {
    @Test(arguments: [[1, 1], [2, 1], [1, 3], [2, 4, 1]])
    func bulkStreamsGetEqualSharesNoMatterHowManyShareALink(streams: [Int]) throws {
        let bench = try FairnessBench()
        let links = try streams.map { try bench.link(streams: $0) }
        bench.run(untilBytes: 400 << 20)
        withExtendedLifetime(links) {}
        let counts = bench.sinks.map(\.count)
        #expect(counts.count == streams.reduce(0, +))
        let least = try #require(counts.min())
        let most = try #require(counts.max())
        #expect(least * 10 >= most * 8, "\(counts)")
    }

    /// A rest of a turn of a few bytes would cost a system call and a record of its own.
    @Test(arguments: [1, 2, 3])
    func bulkStreamsGetFewShortOffers(streams: Int) throws {
        let bench = try FairnessBench()
        let link = try bench.link(streams: streams)
        bench.run(untilBytes: 100 << 20)
        for source in link.sources {
            #expect(source.offers > 100)
            #expect(source.shortOffers * 20 < source.offers, "\(source.shortOffers) of \(source.offers)")
        }
    }
}

/// One loop with both ends of every link.
private final class FairnessBench: PeerSessionOwner {
    let loop: EventLoop
    let environment: LinkEnvironment
    private(set) var sinks: [Sink] = []
    private var left = 0

    init() throws {
        loop = try EventLoop()
        environment = try .forTests(loop)
    }

    /// Creates a link with this number of streams that always have bytes to send.
    func link(streams: Int) throws -> (client: PeerSession, server: PeerSession, sources: [Source]) {
        let ends = try LinkEnvironment.socketPair()
        let secrets = try SessionSecrets.forTests()
        let server = try session(.server, StreamSocket(ends.first, loop: loop), secrets)
        let client = try session(.client, StreamSocket(ends.second, loop: loop), secrets)
        let sources = try (0..<streams).map { _ in
            let source = Source()
            let stream: LinkStream = try #require(client.open(StreamRequest(service: "bulk"), for: source))
            stream.setReady()
            return source
        }
        return (client, server, sources)
    }

    private func session(
        _ role: Session.Role,
        _ socket: StreamSocket,
        _ secrets: SessionSecrets
    ) throws -> PeerSession {
        let session = try environment.session(role, socket, secrets)
        session.owner = self
        try socket.start(session)
        session.start(received: [])
        return session
    }

    /// Runs the loop until all sinks together have received this number of bytes.
    func run(untilBytes count: Int) {
        left = count
        loop.refreshTime()
        loop.run()
    }

    func took(_ count: Int) {
        left -= count
        if left <= 0 { loop.stop() }
    }

    func session(
        _ session: PeerSession,
        opened stream: LinkStream,
        for request: StreamRequest
    ) -> (any StreamEndpoint)? {
        let sink = Sink(stream, self)
        sinks.append(sink)
        return sink
    }

    func session(_ session: PeerSession, _ notice: SessionNotice) {
        if case .ended = notice { loop.stop() }
    }
}

/// An endpoint that always has more to send.
private final class Source: StreamEndpoint {
    private(set) var offers = 0
    /// The number of offers with a segment of less than four kilobytes.
    private(set) var shortOffers = 0

    func fill(_ segments: UnsafeMutableBufferPointer<MemorySegment>) -> StreamFill {
        let count = segments.reduce(0) { $0 + $1.count }
        offers += 1
        if segments.contains(where: { $0.count < 4 << 10 }) { shortOffers += 1 }
        return StreamFill(count, .more)
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool { false }
    func deliver() {}
    func receiveEnd() {}
    func targetAnswered(_ failure: StreamFailure?) {}
    func streamReset(_ failure: StreamFailure) {}
    func sessionEnded(_ end: SessionEnd) {}
}

/// An endpoint that consumes all bytes at once and counts them.
private final class Sink: StreamEndpoint {
    private(set) var count = 0
    private let stream: LinkStream
    private unowned let bench: FairnessBench

    init(_ stream: LinkStream, _ bench: FairnessBench) {
        self.stream = stream
        self.bench = bench
    }

    func fill(_ segments: UnsafeMutableBufferPointer<MemorySegment>) -> StreamFill { StreamFill(0, .drained) }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        count += bytes.count
        stream.consumed(bytes.count)
        bench.took(bytes.count)
        return false
    }

    func deliver() {}
    func receiveEnd() {}
    func targetAnswered(_ failure: StreamFailure?) {}
    func streamReset(_ failure: StreamFailure) {}
    func sessionEnded(_ end: SessionEnd) {}
}
