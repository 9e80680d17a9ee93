import ArgumentParser
import EventIO
import Platform

/// What each layer costs, by the clock and in instructions.
@main
struct Ladder: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What each layer costs.",
        subcommands: [Climb.self, Distance.self, Logins.self, Count.self, Names.self],
        defaultSubcommand: Climb.self
    )
}

/// Does one thing so often, for a tool that counts instructions.
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

/// Lists what can be counted, and what one unit of it is.
struct Names: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List what can be counted.")

    func run() {
        for rung in CountedRung.allCases { Output.line("\(rung.rawValue)\t\(rung.unit)") }
    }
}

/// The rungs by the clock: every one does what the one above it does and one thing more, so that the difference of two is
/// the price of a layer.
///
/// All rungs run in turn, several times, and the best of each counts: figures of one run can be compared with each other,
/// and with nothing else.
struct Climb: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Measure every rung by the clock.")

    /// How often every rung is tried.
    private static let rounds = 5
    /// How many bytes a rung moves each time.
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
