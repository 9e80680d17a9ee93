import Glibc
import Testing

/// Redis through the tunnel, with its own client programs.
@Suite(
    .serialized,
    .enabled(if: Program.areThere("redis-server", "redis-cli", "redis-benchmark"), "\(Program.missing)")
)
struct RedisTests {
    private let redis: RedisServer
    private let pair: TunnelPair

    init() throws {
        redis = try RedisServer()
        pair = try TunnelPair(to: redis.address)
    }

    private var port: String { "\(pair.entry.port)" }

    @Test func pipelinedRequestsOfManyClientsAreAllAnswered() throws {
        let report = try Program.run(
            "redis-benchmark",
            "-p",
            port,
            "-P",
            "16",
            "-c",
            "20",
            "-n",
            "50000",
            "-t",
            "set,get,lrange_100",
            "--csv",
            in: pair.folder
        )
        #expect(!report.contains("rror"))
        // One line for each benchmark, after the line with the names of the columns.
        #expect(
            report.split(separator: "\n").filter { $0.hasPrefix("\"SET\"") || $0.hasPrefix("\"GET\"") }.count
                == 2
        )
    }

    @Test func aValueOf16MiBIsReadBackUnchanged() throws {
        let visitor = try pair.connect()
        let value = CheckedBytes(name: 7).prefix(16 << 20)
        try visitor.write("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$\(value.count)\r\n")
        try visitor.write(value)
        try visitor.write("\r\n")
        #expect(try visitor.read(5) == Array("+OK\r\n".utf8))
        try visitor.write("*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n")
        let header = Array("$\(value.count)\r\n".utf8)
        #expect(try visitor.read(header.count) == header)
        #expect(try visitor.read(value.count) == value)
        #expect(try visitor.read(2) == Array("\r\n".utf8))
    }

    @Test func aSubscriberGetsEveryMessageInOrder() throws {
        let subscriber = try pair.connect()
        try subscriber.write("SUBSCRIBE news\r\n")
        let welcome = "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
        #expect(try subscriber.read(welcome.utf8.count) == Array(welcome.utf8))
        let messages = (1...500).map { String($0 + 100_000) }
        let publisher = try pair.connect()
        for message in messages {
            try publisher.write("PUBLISH news \(message)\r\n")
            #expect(try publisher.read(4) == Array(":1\r\n".utf8))
        }
        for message in messages {
            let wanted = "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$6\r\n\(message)\r\n"
            #expect(try subscriber.read(wanted.utf8.count) == Array(wanted.utf8))
        }
    }
}
