import EventIO
import Platform

/// Moves real data through a tunnel to an echo service and back, and checks every byte.
struct TunnelTrial {
    /// The result of a trial.
    struct Report {
        /// The number of bytes moved in each direction.
        var bytes: Int
        /// The time that the bytes took, in seconds.
        var seconds: Double
        /// The median round trip of the small exchanges, in seconds.
        var medianRoundTrip: Double
    }

    let entry: SocketAddress

    /// The bytes that the trial sends, and that the echo service has to send back.
    private static let pattern = TrialPattern()

    /// Sends `bytes` and reads them back at the same time, then makes a few hundred small exchanges one after the other.
    ///
    /// - Returns: speed and round trip.
    /// - Throws: the failure of a socket, or a ``CommandFailure`` if bytes are wrong or missing.
    func run(bytes count: Int) throws -> Report {
        // The first stream waits for the first link, which may have to be dialled twice. That time is not part of the speed.
        _ = try askQuestions(1)
        let began = ContinuousClock.now
        try moveBulk(count)
        let took = ContinuousClock.now - began
        let trips = try askQuestions(300)
        return Report(
            bytes: count,
            seconds: took.inSeconds,
            medianRoundTrip: trips.sorted()[trips.count / 2].inSeconds
        )
    }

    private func moveBulk(_ total: Int) throws {
        let socket = try BlockingSocket.connect(to: entry)
        let sender = try LoopThread(name: "sly-trial") {
            var sent = 0
            while sent < total {
                let part = min(TrialPattern.most, total - sent)
                guard (try? socket.write(Self.pattern.bytes(at: sent, count: part))) != nil else { return }
                sent += part
            }
            socket.shutdownWriting()
        }
        defer { sender.join() }
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: TrialPattern.most, alignment: 16)
        defer { block.deallocate() }
        var received = 0
        while true {
            let count = try socket.read(into: block)
            guard count > 0 else { break }
            let came = UnsafeRawBufferPointer(rebasing: block[..<count])
            guard came.elementsAreEqual(to: Self.pattern.bytes(at: received, count: count)) else {
                throw CommandFailure(
                    status: .software,
                    message: "the tunnel changed a byte between \(received) and \(received + count)"
                )
            }
            received += count
        }
        guard received == total else {
            throw CommandFailure(status: .software, message: "\(received) of \(total) bytes came back")
        }
    }

    private func askQuestions(_ count: Int) throws -> [Duration] {
        let socket = try BlockingSocket.connect(to: entry)
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
        defer { block.deallocate() }
        var trips: [Duration] = []
        for _ in 0..<count {
            let began = ContinuousClock.now
            try socket.write(UnsafeRawBufferPointer(block))
            var received = 0
            while received < block.count {
                let part = try socket.read(into: UnsafeMutableRawBufferPointer(rebasing: block[received...]))
                guard part > 0 else {
                    throw CommandFailure(
                        status: .software,
                        message: "the stream ended before the answer was complete"
                    )
                }
                received += part
            }
            trips.append(ContinuousClock.now - began)
        }
        return trips
    }
}

/// Test data whose period divides no usual size of a record or a buffer, so that the trial detects misplaced bytes.
private struct TrialPattern: @unchecked Sendable {
    /// The largest piece of the pattern that ``bytes(at:count:)`` returns, in bytes.
    ///
    /// Larger: more memory. Smaller: more system calls.
    static let most = 256 << 10
    /// The period of the pattern, in bytes: a prime, so that no usual block size is a multiple of it.
    private static let period = 65_521

    // Written by the initializer, only read afterwards, and never freed.
    private let table: UnsafeRawBufferPointer

    init() {
        let table = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.period + Self.most, alignment: 16)
        for index in table.indices {
            let place = index % Self.period
            table[index] = UInt8(truncatingIfNeeded: (place &* 0x9E37_79B9) >> 13 ^ place)
        }
        self.table = UnsafeRawBufferPointer(table)
    }

    /// The bytes that belong at an offset; `count` is at most ``most``.
    func bytes(at offset: Int, count: Int) -> UnsafeRawBufferPointer {
        let start = offset % Self.period
        return UnsafeRawBufferPointer(rebasing: table[start..<start + count])
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func elementsAreEqual(to other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard let here = baseAddress, let there = other.baseAddress else { return true }
        return memcmp(here, there, count) == 0
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
