import Basics
package import CryptoPrimitives
package import EventIO
import ProtocolCore
import WireCoding

/// What all links of one event loop share: memory, and the threads that do arithmetic for them.
///
/// Confined to the loop's thread.
package final class LinkEnvironment {
    /// The loop of every link here.
    package let loop: EventLoop
    /// Where outbound logs borrow their memory.
    let blocks = BlockPool()
    /// What is read from a link before it is opened and delivered, all within one call: one is enough for all links.
    let scratch: UnsafeMutableRawBufferPointer
    /// How much all links have moved lately, for other threads.
    private let gauge: TrafficGauge
    /// The gauges of the loops that share the processors with this one.
    private let neighbours: [TrafficGauge]
    private var traffic = TrafficMeter()
    /// The most streams that move bulk over one link in one direction.
    var maxBulk = BulkCount()
    /// Makes the ciphers of all sessions here.
    let makeCipher: RecordCipherMaker
    /// The jobs of handshakes.
    let jobs: JobRunner

    /// How much bulk a link moves at once, at most: eight of the longest records, as many as two large blocks of the outbound
    /// log hold.
    ///
    /// Half of it costs a tenth more of the processor, in calls and in threads that are woken. Twice as much saves another
    /// twentieth, but streams get unequal shares, because few plain sockets have gathered as much when their turns come.
    private static let maxAtOnce = 8 * maxRecord
    /// And while a neighbour has interactive streams.
    ///
    /// The kernel seldom gives up the processor within a call. Twice this, and on a machine with few processors every
    /// hundredth question of those streams takes half as long again; less, and bulk pays for the calls.
    private static let maxBesideOthers = maxRecord
    private static let maxRecord = SessionLimits.maxPlaintext + RecordHeader.overhead

    /// An environment for links of `loop` whose arithmetic is done by `pool`.
    ///
    /// - Parameters:
    ///   - loop: the loop of all its links.
    ///   - pool: threads for the arithmetic of handshakes.
    ///   - gauge: where the loop tells others how much it moves.
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

    /// How many bytes outbound logs hold.
    package var lentBytes: Int { blocks.lentBytes }

    /// Gives memory that nobody uses back: all of it if no link has moved much lately.
    package func trim() {
        if traffic.recent(at: loop.now) < Self.quietBytes { blocks.trim() } else { blocks.trimSpare() }
    }

    /// Below this, no link needs blocks at hand.
    private static let quietBytes = 64 << 10

    /// How many bytes a link reads or seals before it lets others have the processor.
    var turnBytes: Int {
        neighbours.contains { $0.isInteractive(at: loop.now) } ? Self.maxBesideOthers : Self.maxAtOnce
    }

    /// A link has moved bytes.
    func moved(_ count: Int) {
        traffic.add(count, at: loop.now)
        tellTraffic()
    }

    /// All streams of all links here are gone: the next one to come is not kept away by what they have moved.
    package func streamsAreGone() {
        traffic.clear(at: loop.now)
        tellTraffic()
    }

    private func tellTraffic() {
        gauge.set(recent: traffic.recent(at: loop.now), settled: traffic.settled(at: loop.now), at: loop.now)
    }

    /// How many links are closed and still have last words to write.
    package private(set) var lingeringCount = 0
    /// Called when the last of them is gone.
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

    /// What is called with a result; kept apart so that the mailbox does not keep the runner.
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

    /// A way for any thread to call `completion` on the loop's thread, once.
    func callback<Result: Sendable>(_ completion: @escaping (Result) -> Void) -> @Sendable (Result) -> Void {
        let id = expect(completion)
        let results = results
        return { results.send((id, $0)) }
    }

    /// Runs `job` on the pool and then calls `completion` on the loop's thread.
    ///
    /// - Returns: `false` when too many jobs wait; then neither is called.
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
