import Glibc
import Testing

/// Many concurrent streams, and many in sequence.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "\(Sallyport.missing)"))
struct ManyStreamsTests {
    private let echo: PlainListener
    private let pair: TunnelPair

    init() throws {
        // This process holds the sockets of both applications of every stream.
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        echo = try PlainListener.echo()
        var options = TunnelPair.Options()
        // With `auto`, load can add a link, which adds a descriptor.
        options.clientGlobals = "workers = 2"
        options.peer = "links = 1"
        let pair = try TunnelPair(to: echo.address, options)
        try Waiting.until("both links") {
            pair.client.lines(with: "link established").count == 2
                && pair.server.lines(with: "link established").count == 2
        }
        self.pair = pair
    }

    /// Waits until both ends have this number of open descriptors.
    private func waitForDescriptors(client: Int, server: Int) throws {
        let now = { (client: pair.client.descriptorCount, server: pair.server.descriptorCount) }
        try Waiting.until("descriptors: \(client) and \(server), not \(now())") {
            now() == (client, server)
        }
    }

    @Test func aThousandConcurrentStreamsDeliverTheirOwnBytes() throws {
        let before = (client: pair.client.descriptorCount, server: pair.server.descriptorCount)
        let visitors = try (0..<1000).map { _ in try pair.connect() }
        // All streams are open before the first one sends.
        try Waiting.until("descriptors for a thousand streams") {
            pair.client.descriptorCount >= before.client + 1000
        }
        for round in 0..<2 {
            for (number, visitor) in visitors.enumerated() {
                try visitor.write(words(of: number, round))
            }
            for (number, visitor) in visitors.enumerated() {
                let wanted = words(of: number, round)
                let got = try visitor.read(wanted.count)
                #expect(got == wanted ? true : false, "stream \(number) got something else")
            }
        }
        for visitor in visitors { visitor.finish() }
        for visitor in visitors {
            let rest = try visitor.readToEnd()
            #expect(rest.bytes.isEmpty && rest.end == .end)
            visitor.close()
        }
        try Waiting.until("a thousand lines in each log") {
            pair.client.lines(with: "stream closed", "why=fin").count == 1000
                && pair.server.lines(with: "stream closed", "why=fin").count == 1000
        }
        try waitForDescriptors(client: before.client, server: before.server)
    }

    /// The bytes of one stream: few enough to fit into the buffers before anyone reads.
    private func words(of number: Int, _ round: Int) -> [UInt8] {
        Array("\(number) in round \(round); ".utf8) + Self.block[(number * 7)..<(number * 7 + 9000 + number)]
    }

    private static let block = CheckedBytes(name: 1000).prefix(20_000)

    @Test func fiveThousandShortStreamsLeakNothing() throws {
        func visit(_ count: Int) throws {
            for number in 0..<count {
                let visitor = try pair.connect()
                let question = Array("question \(number)".utf8)
                try visitor.write(question)
                #expect(try visitor.read(question.count) == question)
                visitor.close()
            }
        }
        let before = (client: pair.client.descriptorCount, server: pair.server.descriptorCount)
        // After 500 streams the process has allocated all memory that it keeps for reuse.
        try visit(500)
        try waitForDescriptors(client: before.client, server: before.server)
        let memory = (client: pair.client.residentBytes, server: pair.server.residentBytes)
        try visit(5000)
        try waitForDescriptors(client: before.client, server: before.server)
        // The limit of 2 MiB is about 400 bytes for each ended stream.
        #expect(pair.client.residentBytes < memory.client + (2 << 20))
        #expect(pair.server.residentBytes < memory.server + (2 << 20))
        // A line may be written a moment after the descriptor is closed.
        try Waiting.until("a line for each stream") {
            pair.client.lines(with: "stream closed", "why=fin").count == 5500
        }
    }
}
