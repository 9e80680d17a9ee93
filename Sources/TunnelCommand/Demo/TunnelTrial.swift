import EventIO

/// Moves real data through a tunnel to an echo service and back, and checks every byte.
struct TunnelTrial {
    /// What was found.
    struct Report {
        /// How many bytes went each way.
        var bytes: Int
        /// How long they took.
        var seconds: Double
        /// Half of the small exchanges took less, in seconds.
        var medianRoundTrip: Double
    }

    let entry: SocketAddress

    /// What a byte at an offset has to be: a pattern that repeats in no way that records or buffers do.
    private static func pattern(_ offset: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: (offset &* 0x9E37_79B9) >> 13 ^ offset)
    }

    /// Sends `bytes` and reads them back at the same time, then a few hundred small questions one after the other.
    ///
    /// - Returns: how it went.
    /// - Throws: what broke, or a ``CommandFailure`` when a byte came back wrong.
    func run(bytes count: Int) throws -> Report {
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
            let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
            defer { block.deallocate() }
            var sent = 0
            while sent < total {
                let part = min(block.count, total - sent)
                for index in 0..<part { block[index] = Self.pattern(sent &+ index) }
                guard (try? socket.write(UnsafeRawBufferPointer(rebasing: block[..<part]))) != nil else {
                    return
                }
                sent += part
            }
            socket.shutdownWriting()
        }
        defer { sender.join() }
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { block.deallocate() }
        var received = 0
        while true {
            let count = try socket.read(into: block)
            guard count > 0 else { break }
            for index in 0..<count where block[index] != Self.pattern(received &+ index) {
                throw CommandFailure(status: .software, message: "byte \(received + index) came back wrong")
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
                    throw CommandFailure(status: .software, message: "the stream ended early")
                }
                received += part
            }
            trips.append(ContinuousClock.now - began)
        }
        return trips
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
