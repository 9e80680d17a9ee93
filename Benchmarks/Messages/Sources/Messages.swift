import ArgumentParser
import Glibc

/// Compares messages of this library with messages of other libraries.
///
/// Both ends of a Swift contender run in this process, so its processor time covers both. The two Python processes report their
/// own.
///
/// All tests run in turn, several times, and the best result of each counts. Compare figures only within one run.
@main
struct Messages: AsyncParsableCommand {
    @Option(help: "How often everything is tried.")
    var rounds = 3
    @Option(help: "Which contenders, by name.")
    var only: [String] = []

    @Option(help: "Which tests, by number from 1; all of them if none is named.")
    var test: [Int] = []

    func run() async throws {
        var contenders: [any Contender] = [
            try await SallyportContender(), try await NIOContender(), try PythonContender(),
        ]
        if !only.isEmpty { contenders.removeAll { !only.contains($0.name) } }
        var tests: [Test] = [
            .oneWay(size: 64, count: 300_000), .oneWay(size: 4096, count: 100_000),
            .oneWay(size: 1 << 20, count: 400), .requests(inFlight: 1, count: 10_000),
            .requests(inFlight: 64, count: 200_000),
        ]
        if !test.isEmpty { tests = test.compactMap { tests.indices.contains($0 - 1) ? tests[$0 - 1] : nil } }
        var best: [[Measurement?]] = tests.map { _ in contenders.map { _ in nil } }
        for _ in 0..<rounds {
            for (row, test) in tests.enumerated() {
                for (column, contender) in contenders.enumerated() {
                    let measured = try await contender.measure(test)
                    if best[row][column].map({ measured.cpu < $0.cpu }) ?? true {
                        best[row][column] = measured
                    }
                }
            }
        }
        print(
            "| what | " + contenders.map { "\($0.name): /s, MB/s, CPU us each" }.joined(separator: " | ")
                + " |"
        )
        print("|---|" + contenders.map { _ in "---|" }.joined())
        for (row, test) in tests.enumerated() {
            print(
                "| \(test.name) | " + best[row].map { $0?.text(test) ?? "–" }.joined(separator: " | ") + " |"
            )
        }
        guard test.isEmpty else { return }
        if let broadcaster = contenders.first as? SallyportContender { try await broadcast(broadcaster) }
    }

    private func broadcast(_ contender: SallyportContender) async throws {
        let clients = try await contender.clients(1000)
        let (wall, cpu) = (ContinuousClock.now, processorTime())
        let rounds = 20
        for _ in 0..<rounds { try await contender.broadcast(to: clients.count) }
        let measured = Measurement(wall: seconds(ContinuousClock.now - wall), cpu: processorTime() - cpu)
        print("\nA confirmed packet of 64 bytes to each of \(clients.count) connections:", terminator: " ")
        print("\(Int(measured.wall / Double(rounds) * 1e3)) ms,", terminator: " ")
        print("\(short(measured.cpu / Double(rounds * clients.count) * 1e6)) us of processor time each")
    }
}

/// A workload that every contender runs.
enum Test {
    case oneWay(size: Int, count: Int)
    case requests(inFlight: Int, count: Int)

    var name: String {
        switch self {
        case .oneWay(let size, _): "\(size) bytes, one way"
        case .requests(let inFlight, _): "request and answer of 64 bytes, \(inFlight) at a time"
        }
    }

    var count: Int {
        switch self {
        case .oneWay(_, let count), .requests(_, let count): count
        }
    }

    var bytes: Int {
        switch self {
        case .oneWay(let size, let count): size * count
        case .requests(_, let count): 128 * count
        }
    }
}

/// An implementation of messages that is measured.
protocol Contender: Sendable {
    var name: String { get }

    func measure(_ test: Test) async throws -> Measurement
}

/// A contender with both ends in this process.
protocol LocalContender: Contender {
    /// Sends `count` messages from the client to the server; returns when the server's program has received all of them.
    func send(size: Int, count: Int) async throws
    /// Sends `count` requests of 64 bytes; the server answers each of them with 64 bytes.
    func ask(inFlight: Int, count: Int) async throws
}

extension LocalContender {
    func measure(_ test: Test) async throws -> Measurement {
        let (wall, cpu) = (ContinuousClock.now, processorTime())
        switch test {
        case .oneWay(let size, let count): try await send(size: size, count: count)
        case .requests(let inFlight, let count): try await ask(inFlight: inFlight, count: count)
        }
        return Measurement(wall: seconds(ContinuousClock.now - wall), cpu: processorTime() - cpu)
    }
}

struct Measurement {
    let wall: Double
    let cpu: Double

    func text(_ test: Test) -> String {
        let each = cpu / Double(test.count) * 1e6
        let rate = Int(Double(test.count) / wall)
        return "\(rate), \(short(Double(test.bytes) / wall / 1e6)), \(short(each))"
    }
}

func short(_ value: Double) -> String {
    value >= 100 ? "\(Int(value.rounded()))" : "\((value * 100).rounded() / 100)"
}

func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
}

func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
