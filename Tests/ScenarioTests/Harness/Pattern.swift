import Synchronization

/// Bytes that depend on their place, so that a test detects lost, repeated and moved bytes.
enum Pattern {
    static let blockCount = 1 << 16

    /// The block that begins at this place of an endless sequence.
    static func block(at start: Int) -> [UInt8] {
        var state = UInt64(start) &+ 0x9E37_79B9_7F4A_7C15
        return [UInt8](unsafeUninitializedCapacity: blockCount) { buffer, count in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            for place in stride(from: 0, to: blockCount, by: 8) {
                // Marsaglia's xorshift: fast, with a period of 2^64 - 1 words.
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                raw.storeBytes(of: state, toByteOffset: place, as: UInt64.self)
            }
            count = blockCount
        }
    }
}

/// The progress of work on another thread.
final class Progress: Sendable {
    private let value = Atomic<Int>(0)

    var count: Int { value.load(ordering: .relaxed) }

    func add(_ more: Int) {
        value.add(more, ordering: .relaxed)
    }

    /// Waits until the work has begun and then made no progress for two seconds.
    func waitUntilItStops() throws {
        let clock = ContinuousClock()
        var last = (count: 0, since: clock.now)
        try Waiting.until("a writer to be held up") {
            let now = (count: count, since: clock.now)
            if now.count != last.count { last = now }
            return last.count > 0 && now.since - last.since > .seconds(2)
        }
    }
}
