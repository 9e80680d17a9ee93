import Basics
package import CryptoPrimitives
package import EventIO
import ProtocolCore
import WireCoding

/// The state that all links of one event loop share: memory, and threads for computations.
///
/// It is confined to the loop's thread.
package final class LinkEnvironment {
    /// The loop of all its links.
    package let loop: EventLoop
    /// The pool that lends memory to outbound logs.
    let blocks = BlockPool()
    /// The shared buffer for bytes read from a link.
    ///
    /// Bytes are decrypted and delivered within one call, so one buffer is enough for all links.
    let scratch: UnsafeMutableRawBufferPointer
    /// The recent traffic of all links, published to other threads.
    private let gauge: TrafficGauge
    /// The gauges of the loops that share the processors with this one.
    private let neighbours: [TrafficGauge]
    private var traffic = TrafficMeter()
    /// The largest number of streams that move bulk over one link in one direction.
    var maxBulk = BulkCount()
    /// Creates the ciphers of all sessions of the loop.
    let makeCipher: RecordCipherMaker
    /// Runs the jobs of handshakes.
    let jobs: JobRunner

    /// The maximum number of bytes that a link moves at once: eight records of maximum size, the capacity of two large blocks of
    /// the outbound log.
    ///
    /// Larger: twice as much saves another 5 % of processor time, but streams get unequal shares, because few relays'
    /// sockets have that many bytes ready when their turn comes. Smaller: half as much costs 10 % more processor time, for
    /// system calls and for waking threads.
    private static let maxAtOnce = 8 * maxRecord
    /// The same maximum while a neighbour has interactive streams.
    ///
    /// The kernel seldom preempts a thread within a system call. Larger: with twice as much, on a machine with few processors,
    /// one in a hundred requests of these streams takes 50 % longer. Smaller: bulk costs more system calls.
    private static let maxBesideOthers = maxRecord
    private static let maxRecord = SessionLimits.maxPlaintext + RecordHeader.overhead

    /// An environment for the links of `loop`; `pool` computes for them.
    ///
    /// - Parameters:
    ///   - loop: the loop of all its links.
    ///   - pool: the threads for the computations of handshakes.
    ///   - gauge: the gauge in which the loop publishes its traffic.
    ///   - neighbours: the gauges of the other loops of the process.
    ///   - aead: the library that protects the records of its links.
    package init(
        _ loop: EventLoop,
        pool: JobPool,
        gauge: TrafficGauge,
        neighbours: [TrafficGauge],
        aead: AEADBackend
    ) {
        makeCipher = recordCiphers(by: aead)
        self.loop = loop
        self.gauge = gauge
        self.neighbours = neighbours
        jobs = JobRunner(loop, pool)
        scratch = UnsafeMutableRawBufferPointer(
            start: BulkMemory.allocate(byteCount: Self.maxAtOnce),
            count: Self.maxAtOnce
        )
    }

    deinit {
        if let base = scratch.baseAddress { BulkMemory.deallocate(base) }
    }

    /// The number of bytes that outbound logs hold.
    package var lentBytes: Int { blocks.lentBytes }

    /// Frees unused memory: all of it if no link has moved much recently.
    package func trim() {
        if traffic.recent(at: loop.now) < Self.quietBytes { blocks.trim() } else { blocks.trimSpare() }
    }

    /// The recent traffic, in bytes, below which no link needs spare blocks.
    private static let quietBytes = 64 << 10

    /// The number of bytes that a link reads or seals before other links get the processor.
    var turnBytes: Int {
        neighbours.contains { $0.isInteractive(at: loop.now) } ? Self.maxBesideOthers : Self.maxAtOnce
    }

    /// Counts bytes that a link has moved.
    func moved(_ count: Int) {
        traffic.add(count, at: loop.now)
        tellTraffic()
    }

    /// All streams of all links have ended: their bytes must not keep the next stream away from this loop.
    package func streamsAreGone() {
        traffic.clear(at: loop.now)
        tellTraffic()
    }

    private func tellTraffic() {
        gauge.set(recent: traffic.recent(at: loop.now), settled: traffic.settled(at: loop.now), at: loop.now)
    }

    /// The number of links whose session is closed and that still have final bytes to write.
    package private(set) var lingeringCount = 0
    /// Called when the last of these links is closed.
    package var noneLingers: (() -> Void)?

    func lingeringBegan() {
        lingeringCount += 1
    }

    func lingeringEnded() {
        lingeringCount -= 1
        if lingeringCount == 0 { noneLingers?() }
    }

}

/// Runs jobs on a pool and brings their results back to the loop.
final class JobRunner {
    private let pool: JobPool
    private let results: Mailbox<(id: UInt64, result: any Sendable)>
    private let waiting: Waiting

    /// The callbacks of running jobs, in an object of their own, so that the mailbox does not retain the runner.
    private final class Waiting {
        var completions: [UInt64: (any Sendable) -> Void] = [:]
        var next: UInt64 = 0
    }

    init(_ loop: EventLoop, _ pool: JobPool) {
        self.pool = pool
        let waiting = Waiting()
        self.waiting = waiting
        results = Mailbox(loop) { message in
            waiting.completions.removeValue(forKey: message.id)?(message.result)
        }
    }

    /// A closure with which any thread can call `completion` on the loop's thread, once.
    func callback<Result: Sendable>(_ completion: @escaping (Result) -> Void) -> @Sendable (Result) -> Void {
        let id = expect(completion)
        let results = results
        return { results.send((id, $0)) }
    }

    /// Runs `job` on the pool and then calls `completion` on the loop's thread.
    ///
    /// - Returns: `false` if too many jobs wait; then neither is called.
    func run<Result: Sendable>(
        _ job: @escaping @Sendable () -> Result,
        then completion: @escaping (Result) -> Void
    ) -> Bool {
        let id = expect(completion)
        let results = results
        guard pool.submit({ results.send((id, job())) }) else {
            waiting.completions[id] = nil
            return false
        }
        return true
    }

    private func expect<Result: Sendable>(_ completion: @escaping (Result) -> Void) -> UInt64 {
        let id = waiting.next
        waiting.next &+= 1
        waiting.completions[id] = { result in
            if let result = result as? Result { completion(result) }
        }
        return id
    }
}
