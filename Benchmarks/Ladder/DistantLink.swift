import EventIO
import Glibc

/// A simulated long-distance line: bytes come out after a fixed delay, and at most at the rate of the line.
///
/// Each end of the line terminates TCP. The benchmark therefore measures the protocol that runs over the line, and not TCP.
final class DistantLink: Sendable {
    let address: SocketAddress

    /// Creates a line to an address.
    ///
    /// - Parameters:
    ///   - target: the address at the far end.
    ///   - rate: the capacity of each direction, in bytes per second.
    ///   - delay: the one-way delay.
    /// - Throws: the system error.
    init(to target: SocketAddress, rate: Int, delay: Duration) throws {
        let bound = try BoundSocket(loopback())
        try bound.listen()
        address = bound.address
        let acceptor = Acceptor(bound)
        _ = try LoopThread(name: "distance") {
            while let near = acceptor.next() {
                // The target may not listen yet.
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

/// One direction of a line: one thread fills it, another one empties it.
private final class DelayLine: @unchecked Sendable {
    // The two semaphores pass the places from one thread to the other and back.
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
        // Four times the bytes in flight, because not every place is full.
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
