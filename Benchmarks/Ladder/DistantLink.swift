import EventIO
import Glibc

/// A line to a place far away: what goes in comes out so much later, and no faster than the line carries.
///
/// TCP ends at both ends of it, so what is measured is not TCP but what is told over it.
final class DistantLink: Sendable {
    let address: SocketAddress

    /// A line to that address.
    ///
    /// - Parameters:
    ///   - target: where it leads.
    ///   - rate: what it carries, in bytes a second, each way.
    ///   - delay: how long a byte is on its way.
    /// - Throws: what the system says.
    init(to target: SocketAddress, rate: Int, delay: Duration) throws {
        let bound = try BoundSocket(loopback())
        try bound.listen()
        address = bound.address
        let acceptor = Acceptor(bound)
        _ = try LoopThread(name: "distance") {
            while let near = acceptor.next() {
                // Nobody may be there yet.
                guard let far = try? BlockingSocket.connect(to: target) else { continue }
                for (from, to) in [(near, far), (far, near)] {
                    let line = DelayLine(from, to, rate: rate, delay: delay)
                    _ = try? LoopThread(name: "into-line") { line.fill() }
                    _ = try? LoopThread(name: "out-of-line") { line.empty() }
                }
            }
        }
    }
}

/// One direction of a line: one thread fills it, one other empties it.
private final class DelayLine: @unchecked Sendable {
    // The places are handed from one thread to the other and back by the two semaphores.
    private let memory: UnsafeMutableRawBufferPointer
    private var places: [(count: Int, due: ContinuousClock.Instant)]
    private let vacant = ThreadSemaphore()
    private let filled = ThreadSemaphore()
    private let from: BlockingSocket
    private let to: BlockingSocket
    private let nanosecondsPerByte: Double
    private let delay: Duration

    private static let placeSize = 64 << 10

    init(_ from: BlockingSocket, _ to: BlockingSocket, rate: Int, delay: Duration) {
        self.from = from
        self.to = to
        self.delay = delay
        nanosecondsPerByte = 1e9 / Double(rate)
        // What is on the way, four times over: not every place is full.
        let count = 64 + 4 * Int(Double(rate) * delay.inSeconds) / Self.placeSize
        memory = .allocate(byteCount: count * Self.placeSize, alignment: 4096)
        places = Array(repeating: (0, .now), count: count)
        for _ in 0..<count { vacant.post() }
    }

    deinit {
        memory.deallocate()
    }

    private func bytes(_ place: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: memory[(place * Self.placeSize)...].prefix(Self.placeSize))
    }

    func fill() {
        var departed = ContinuousClock.now
        var place = 0
        while true {
            vacant.wait()
            let count = (try? from.read(into: bytes(place))) ?? 0
            departed =
                max(departed, .now) + .nanoseconds(Int64(Double(count) * nanosecondsPerByte))
            Self.sleep(until: departed)
            places[place] = (count, departed + delay)
            filled.post()
            guard count > 0 else { return }
            place = (place + 1) % places.count
        }
    }

    func empty() {
        var place = 0
        while true {
            filled.wait()
            let (count, due) = places[place]
            Self.sleep(until: due)
            let isWritten = (try? to.write(UnsafeRawBufferPointer(rebasing: bytes(place)[..<count]))) != nil
            guard count > 0, isWritten else {
                to.shutdownWriting()
                return
            }
            vacant.post()
            place = (place + 1) % places.count
        }
    }

    private static func sleep(until instant: ContinuousClock.Instant) {
        let microseconds = (instant - .now).inSeconds * 1e6
        if microseconds > 0 { usleep(UInt32(min(microseconds, 1e6))) }
    }
}
