import Glibc
import Testing

/// PostgreSQL through the tunnel, with its own client programs.
@Suite(
    .serialized,
    .enabled(if: Program.areThere("initdb", "postgres", "psql", "pgbench", "setpriv"), "\(Program.missing)")
)
struct PostgresTests {
    private let postgres: PostgresServer
    private let pair: TunnelPair

    init() throws {
        postgres = try PostgresServer()
        pair = try TunnelPair(to: postgres.address)
    }

    /// Runs `psql` through the tunnel; returns only the rows.
    private func psql(_ commands: String) throws -> String {
        try postgres.psql(commands, port: pair.entry.port, in: pair.folder)
    }

    /// Runs `psql` without the tunnel; returns only the rows.
    private func psqlAtTheDatabase(_ commands: String) throws -> String {
        try postgres.psql(commands, port: postgres.address.port, in: pair.folder)
    }

    @Test func aTransactionThroughTheTunnelIsCommittedOrRolledBack() throws {
        let seen = try psql(
            """
            create table harbour (name text primary key, depth int);
            begin; insert into harbour values ('Kiel', 11), ('Varde', 4); commit;
            begin; insert into harbour values ('Atlantis', 4000); rollback;
            begin; update harbour set depth = depth + 1; commit;
            select name, depth from harbour order by name;
            """
        )
        #expect(seen == "Kiel|12\nVarde|5\n")
        #expect(try psqlAtTheDatabase("select sum(depth) from harbour;") == "17\n")
    }

    @Test func aLargeResultIsTheSameWithAndWithoutTheTunnel() throws {
        let query = "select n, md5(n::text), repeat(md5((n * 7)::text), 3) from generate_series(1, 200000) n;"
        let direct = try psqlAtTheDatabase(query)
        #expect(direct.utf8.count > 25_000_000)
        // A failure's message must not contain the two texts.
        #expect(try psql(query) == direct ? true : false)
    }

    @Test func rowsCopiedInAndOutAreTheSame() throws {
        let rows = (1...200_000).map { "\($0)\tthe name of \($0 &* 2_654_435_761 % 1_000_003)" }
            .joined(separator: "\n")
        let path = try pair.folder.file("rows", rows + "\n")
        let back = "\(pair.folder.path)/back"
        _ = try psql(
            """
            create table rows (number int primary key, name text);
            \\copy rows from '\(path)'
            \\copy (select * from rows order by number) to '\(back)'
            """
        )
        #expect(try pair.folder.sha256(path) == pair.folder.sha256(back))
        #expect(try psqlAtTheDatabase("select count(*), sum(number) from rows;") == "200000|20000100000\n")
    }

    @Test func noTransactionOfPgbenchFails() throws {
        let place = ["-h", "127.0.0.1", "-p", "\(pair.entry.port)", "-U", "visitor"]
        let filled = try Child([Program.path("pgbench"), "-i", "-q"] + place + ["postgres"], in: pair.folder)
        #expect(try filled.wait(within: .seconds(120)) == .exited(0), "\(filled.output)")
        // Once with persistent connections, once with a new connection for each transaction.
        for way in [["-t", "200"], ["-t", "20", "-C"]] {
            let run = try Child(
                [Program.path("pgbench"), "-n", "-c", "8", "-j", "2"] + way + place + ["postgres"],
                in: pair.folder
            )
            #expect(try run.wait(within: .seconds(120)) == .exited(0), "\(run.output)")
            let count = (Int(way[1]) ?? 0) * 8
            #expect(run.output.contains("actually processed: \(count)/\(count)"))
            #expect(run.output.contains("number of failed transactions: 0 (0.000%)"))
        }
    }
}
