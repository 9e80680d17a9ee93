import ArgumentParser
import EventIO
import Platform

/// The cost of each layer, in time and in instructions.
@main
struct Ladder: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What each layer costs.",
        subcommands: [Climb.self, Distance.self, Logins.self, Count.self, Names.self],
        defaultSubcommand: Climb.self
    )
}

/// Repeats one operation, for a tool that counts instructions.
struct Count: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Do one thing so often, under a tool that counts instructions, or by the clock."
    )

    @Argument(help: "What is done.")
    var rung: CountedRung
    @Argument(help: "How often.")
    var units: Int

    func run() throws {
        let begin = ProcessTime.now
        try rung.run(units)
        let microseconds = (ProcessTime.now - begin).inSeconds * 1e6 / Double(max(1, units))
        Output.line("\(microseconds.short) us each: \(rung.unit)")
    }
}

/// Lists the counted rungs, and one unit of work of each.
struct Names: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List what can be counted.")

    func run() {
        for rung in CountedRung.allCases { Output.line("\(rung.rawValue)\t\(rung.unit)") }
    }
}

/// Measures the time of every rung.
///
/// Most rungs add one layer to the work of another rung, so the difference of the two is the cost of the layer. All rungs run in
/// turn, several times, and the best result of each counts. Compare figures only within one run.
struct Climb: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Measure every rung by the clock.")

    /// The number of times that every rung runs.
    private static let rounds = 5
    /// The number of bytes that a rung moves in a round.
    private static let bytes = 256 << 20

    func run() throws {
        ProcessControl.prepare()
        let rungs: [any Rung] = [
            try CipherRung(), try RecordRung(), try SessionRung(encrypts: false),
            try SessionRung(encrypts: true),
            try LoopbackRung(.direct), try LoopbackRung(.relay), try LoopbackRung(.forgetfulTunnel),
            try LoopbackRung(.tunnel),
        ]
        var best: [Measurement?] = Array(repeating: nil, count: rungs.count)
        for round in 1...Self.rounds {
            for (index, rung) in rungs.enumerated() {
                let measured = try measure(rung)
                if best[index].map({ measured.cpu < $0.cpu }) ?? true { best[index] = measured }
            }
            Output.progress("round \(round) of \(Self.rounds)")
        }
        print(rungs, best)
    }

    private func measure(_ rung: any Rung) throws -> Measurement {
        let (wall, cpu) = (ContinuousClock.now, ProcessTime.now)
        try rung.move(Self.bytes)
        return Measurement(
            bytes: Self.bytes,
            wall: (ContinuousClock.now - wall).inSeconds,
            cpu: (ProcessTime.now - cpu).inSeconds
        )
    }

    private func print(_ rungs: [any Rung], _ best: [Measurement?]) {
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
    /// The rung's name in the table.
    var name: String { get }
    /// The index of the rung to which this one adds a layer.
    var standsOn: Int? { get }

    /// Moves the given number of bytes through the layer and all layers below it.
    func move(_ count: Int) throws
}

/// The time that a rung took.
struct Measurement {
    let bytes: Int
    let wall: Double
    let cpu: Double

    var megabytesPerSecond: Double { Double(bytes) / wall / 1e6 }
    var cpuPerGigabyte: Double { cpu / Double(bytes) * 1e9 }
}
