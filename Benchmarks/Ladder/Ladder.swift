import EventIO

/// What each layer costs: every rung does what the one above it does and one thing more, so that the
/// difference of two rungs is the price of a layer.
///
/// All rungs run in turn, several times, and the best of each counts: figures of one run can be compared with
/// each other, and with nothing else.
@main
enum Ladder {
    /// How often every rung is tried.
    private static let rounds = 5
    /// How many bytes a rung moves each time.
    private static let bytes = 256 << 20

    static func main() throws {
        ProcessSetup.prepare()
        let rungs: [any Rung] = [
            try CipherRung(), try RecordRung(), try SessionRung(encrypts: false),
            try SessionRung(encrypts: true),
            try LoopbackRung(.direct), try LoopbackRung(.relay), try LoopbackRung(.forgetfulTunnel),
            try LoopbackRung(.tunnel),
        ]
        var best: [Measurement?] = Array(repeating: nil, count: rungs.count)
        for round in 1...rounds {
            for (index, rung) in rungs.enumerated() {
                let measured = try measure(rung)
                if best[index].map({ measured.cpu < $0.cpu }) ?? true { best[index] = measured }
            }
            Output.progress("round \(round) of \(rounds)")
        }
        print(rungs, best)
    }

    private static func measure(_ rung: any Rung) throws -> Measurement {
        let (wall, cpu) = (ContinuousClock.now, ProcessTime.now)
        try rung.move(bytes)
        return Measurement(
            bytes: bytes,
            wall: (ContinuousClock.now - wall).inSeconds,
            cpu: (ProcessTime.now - cpu).inSeconds
        )
    }

    private static func print(_ rungs: [any Rung], _ best: [Measurement?]) {
        Output.line("| rung | MB/s | CPU s/GB | more than the rung it stands on |")
        Output.line("|---|---|---|---|")
        for (index, rung) in rungs.enumerated() {
            guard let measured = best[index] else { continue }
            var more = "–"
            if let base = rung.standsOn, let below = best[base] {
                more = "\((measured.cpuPerGigabyte - below.cpuPerGigabyte).short) (\(rungs[base].name))"
            }
            let rate = Int(measured.megabytesPerSecond)
            Output.line("| \(rung.name) | \(rate) | \(measured.cpuPerGigabyte.short) | \(more) |")
        }
    }
}

/// One layer on top of others.
protocol Rung {
    /// What it does.
    var name: String { get }
    /// The place in the list of the rung that it adds something to.
    var standsOn: Int? { get }

    /// Moves so many bytes through the layer and everything below it.
    func move(_ count: Int) throws
}

/// What a rung took.
struct Measurement {
    let bytes: Int
    let wall: Double
    let cpu: Double

    var megabytesPerSecond: Double { Double(bytes) / wall / 1e6 }
    var cpuPerGigabyte: Double { cpu / Double(bytes) * 1e9 }
}
