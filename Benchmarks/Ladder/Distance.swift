import ArgumentParser
import EventIO
import Platform
import Synchronization

/// Measures lines with a large bandwidth-delay product: how soon one stream fills the line, and how late its first byte arrives.
struct Distance: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure over a line to a place far away, with and without the tunnel."
    )

    @Option(help: "What the line carries each way, in MB/s.")
    var rate = 60
    @Option(help: "How long a byte is on its way, in ms.")
    var delay = 50
    @Option(help: "How long one stream is watched, in s.")
    var seconds = 4

    func run() throws {
        ProcessControl.prepare()
        let line = { (target: SocketAddress) in
            try DistantLink(to: target, rate: rate * 1_000_000, delay: .milliseconds(delay))
        }
        let target = try TimedTarget()
        let direct = try line(target.address)
        let tunnel = try TunnelPair(to: target.address, keeps: true) { try line($0).address }
        let forgetful = try TunnelPair(to: target.address, keeps: false) { try line($0).address }
        let ways = [
            ("nothing between", direct.address), ("the tunnel", tunnel.entry),
            ("the tunnel, resume-buffer = off", forgetful.entry),
        ]
        Output.line(
            "| over \(rate) MB/s, \(delay) ms each way | first byte there and back, ms | MB/s after 1 s, 2 s, 3 s, … |"
        )
        Output.line("|---|---|---|")
        for (name, entry) in ways {
            let firsts = try (0..<5).map { _ in try firstByte(entry) }.sorted()
            let rates = try fill(entry, target)
            let steps = stride(from: 3, to: rates.count, by: 4).map { "\(Int(rates[$0]))" }
            Output.line("| \(name) | \((firsts[2] * 1000).short) | \(steps.joined(separator: ", ")) |")
        }
    }

    /// The time from the opening of a stream to the answer to its first byte, in seconds.
    private func firstByte(_ entry: SocketAddress) throws -> Double {
        let begin = ContinuousClock.now
        let socket = try BlockingSocket.connect(to: entry)
        try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { byte in
            byte[0] = 0
            try socket.write(UnsafeRawBufferPointer(byte))
            guard try socket.read(into: byte) == 1 else { throw BenchmarkFailure("no answer") }
        }
        return (ContinuousClock.now - begin).inSeconds
    }

    /// Writes as fast as the line takes bytes, and returns the throughput at the target in each time slice, in MB/s.
    private func fill(_ entry: SocketAddress, _ target: TimedTarget) throws -> [Double] {
        let socket = try BlockingSocket.connect(to: entry)
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { block.deallocate() }
        block.initializeMemory(as: UInt8.self, repeating: 7)
        let begin = ContinuousClock.now
        target.forget()
        while ContinuousClock.now - begin < .seconds(seconds) {
            try socket.write(UnsafeRawBufferPointer(block))
        }
        let slices = Int(Double(seconds) / TimedTarget.slice)
        return target.arrivals.prefix(slices).map { Double($0) / TimedTarget.slice / 1e6 }
    }
}

/// A target that answers the first byte of each stream and records when the others arrive.
private final class TimedTarget: Sendable {
    let address: SocketAddress
    private let state = Mutex(State())

    private struct State {
        var begin: ContinuousClock.Instant?
        var arrivals: [Int] = []
    }

    /// The length of a time slice, in seconds.
    static let slice = 0.25

    init() throws {
        let bound = try BoundSocket(loopback())
        try bound.listen()
        address = bound.address
        let acceptor = Acceptor(bound)
        _ = try LoopThread(name: "target") { [self] in
            while let socket = acceptor.next() {
                _ = try? LoopThread(name: "visit") { self.listen(to: socket) }
            }
        }
    }

    /// The number of bytes that arrived in each time slice, counted from the first byte.
    var arrivals: [Int] { state.withLock { $0.arrivals } }

    func forget() { state.withLock { $0 = State() } }

    private func listen(to socket: BlockingSocket) {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { block.deallocate() }
        guard let first = try? socket.read(into: block), first > 0,
            (try? socket.write(UnsafeRawBufferPointer(rebasing: block[..<1]))) != nil
        else { return }
        while let count = try? socket.read(into: block), count > 0 { note(count) }
    }

    private func note(_ count: Int) {
        let now = ContinuousClock.now
        state.withLock { state in
            let begin = state.begin ?? now
            state.begin = begin
            let slice = Int((now - begin).inSeconds / Self.slice)
            while state.arrivals.count <= slice { state.arrivals.append(0) }
            state.arrivals[slice] += count
        }
    }
}
