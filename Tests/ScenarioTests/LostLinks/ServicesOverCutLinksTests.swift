import Glibc
import Testing

/// Real programs over links that are cut.
@Suite(.serialized, .enabled(if: Program.areThere("redis-server"), "\(Program.missing)"))
struct RedisOverCutLinksTests {
    @Test func aSubscriberLosesNoMessageWhenLinksAreLost() throws {
        let redis = try RedisServer()
        let (pair, line) = try TunnelPair.onALine(to: redis.address)
        let subscriber = try pair.connect()
        try subscriber.write("SUBSCRIBE news\r\n")
        let welcome = "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
        #expect(try subscriber.read(welcome.utf8.count) == Array(welcome.utf8))
        let messages = (1...3000).map { String($0 + 100_000) }
        let publisher = try PlainSocket(to: redis.address)
        for (number, message) in messages.enumerated() {
            try publisher.write("PUBLISH news \(message)\r\n")
            #expect(try publisher.read(4) == Array(":1\r\n".utf8))
            guard number % 100 == 50 else { continue }
            // Only a resumed link can be cut again.
            try Waiting.until("the link to be back") {
                pair.client.lines(with: "session resumed").count == pair.client.lines(with: "link lost").count
            }
            line.cutAll(number % 200 == 50 ? .reset : .end)
        }
        for message in messages {
            let wanted = "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$6\r\n\(message)\r\n"
            #expect(try subscriber.read(wanted.utf8.count) == Array(wanted.utf8))
        }
        #expect(pair.client.lines(with: "link lost").count >= 28)
    }
}

@Suite(
    .serialized,
    .enabled(if: Program.areThere("initdb", "postgres", "psql", "pgbench", "setpriv"), "\(Program.missing)")
)
struct PostgresOverCutLinksTests {
    private let postgres: PostgresServer

    init() throws {
        postgres = try PostgresServer()
    }

    /// For twenty seconds no byte passes and neither end notices; with `isForgotten`, the old link never carries bytes again.
    @Test(arguments: [false, true])
    func anOpenTransactionSurvivesTwentySecondsWithoutBytes(isForgotten: Bool) throws {
        let (pair, line) = try TunnelPair.onALine(to: postgres.address) {
            if isForgotten { $0.peer = "keepalive = 2s/6s" }
        }
        let folder = pair.folder.path
        let psql = try postgres.start(
            """
            create table harbour (name text);
            begin;
            insert into harbour values ('Kiel');
            \\! touch \(folder)/in-the-middle; while ! [ -e \(folder)/go ]; do sleep 0.05; done
            insert into harbour values ('Varde');
            commit;
            select 'count', count(*) from harbour;
            """,
            port: pair.entry.port,
            in: pair.folder
        )
        try Waiting.until("the middle of the transaction") { access("\(folder)/in-the-middle", F_OK) == 0 }
        line.change { $0.isBlackHole = true }
        if isForgotten { line.cutAll(.vanish) }
        try pair.folder.file("go", "")
        let clock = ContinuousClock()
        let end = clock.now + .seconds(20)
        try Waiting.until("the hole to pass", within: .seconds(25)) { clock.now >= end }
        #expect(psql.end == nil)
        line.change { $0.isBlackHole = false }
        #expect(try psql.wait(within: .seconds(60)) == .exited(0), "\(psql.output)")
        #expect(psql.output.contains("count|2"))
        if isForgotten { try pair.client.line(with: "session resumed", "streams=1") }
        #expect(pair.client.lines(with: "session lost").isEmpty)
    }

    @Test func noTransactionOfPgbenchFailsOverRepeatedlyCutLinks() throws {
        let (pair, line) = try TunnelPair.onALine(to: postgres.address)
        let place = ["-h", "127.0.0.1", "-p", "\(pair.entry.port)", "-U", "visitor"]
        let filled = try Child([Program.path("pgbench"), "-i", "-q"] + place + ["postgres"], in: pair.folder)
        #expect(try filled.wait(within: .seconds(120)) == .exited(0), "\(filled.output)")
        line.change { $0.cutAfter = 120_000 }
        for way in [["-t", "400"], ["-t", "40", "-C"]] {
            let run = try Child(
                [Program.path("pgbench"), "-n", "-c", "8", "-j", "2"] + way + place + ["postgres"],
                in: pair.folder
            )
            #expect(try run.wait(within: .seconds(180)) == .exited(0), "\(run.output)")
            let count = (Int(way[1]) ?? 0) * 8
            #expect(run.output.contains("actually processed: \(count)/\(count)"))
            #expect(run.output.contains("number of failed transactions: 0 (0.000%)"))
        }
        #expect(line.cutCount >= 10)
    }
}

@Suite(.serialized, .enabled(if: Program.areThere("sshd", "ssh", "scp", "ssh-keygen"), "\(Program.missing)"))
struct SSHOverCutLinksTests {
    @Test func aFileOf256MiBSurvivesFiftyCutsInEachDirection() throws {
        let sshd = try SSHServer()
        let (pair, line) = try TunnelPair.onALine(to: sshd.address)
        line.change { $0.cutAfter = 5 << 20 }
        let options = try sshd.clientOptions(in: pair.folder)
        let file = try pair.folder.randomFile("file", mebibytes: 256)
        let there = "\(pair.folder.path)/there"
        let back = "\(pair.folder.path)/back"
        let scp = try [Program.path("scp"), "-q", "-P", "\(pair.entry.port)"] + options
        _ = try sshd.run(scp + [file, "\(SSHServer.user)@127.0.0.1:\(there)"], in: pair.folder)
        let wanted = try pair.folder.sha256(file)
        #expect(try pair.folder.sha256(there) == wanted)
        #expect(line.cutCount >= 50)
        unlink(file)
        _ = try sshd.run(scp + ["\(SSHServer.user)@127.0.0.1:\(there)", back], in: pair.folder)
        #expect(try pair.folder.sha256(back) == wanted)
        #expect(line.cutCount >= 100)
        #expect(pair.client.lines(with: "session lost").isEmpty)
    }
}
