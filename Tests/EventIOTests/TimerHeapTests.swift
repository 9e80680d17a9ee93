import Basics
import Testing

@testable import EventIO

@Suite struct TimerHeapTests {
    @Test(arguments: [UInt64(1), 2, 3]) func timersFireInTheOrderOfTheirDeadlines(
        seed: UInt64
    ) throws {
        var random = Repeatable(seed: seed)
        let loop = try EventLoop()
        var heap = TimerHeap()
        var timers: [LoopTimer] = []
        var expected: [ObjectIdentifier: Instant] = [:]
        for _ in 0..<200 { timers.append(LoopTimer(loop) {}) }
        for _ in 0..<5000 {
            let timer = timers[Int.random(in: 0..<timers.count, using: &random)]
            if Int.random(in: 0..<3, using: &random) == 0, timer.isScheduled {
                heap.cancel(timer)
                expected[ObjectIdentifier(timer)] = nil
            } else {
                let deadline = Instant(nanoseconds: UInt64.random(in: 0..<1000, using: &random))
                heap.schedule(timer, at: deadline)
                expected[ObjectIdentifier(timer)] = deadline
            }
            #expect(heap.firstDeadline == expected.values.min())
        }
        var fired: [Instant] = []
        while let due = heap.takeDue(at: .distantFuture) {
            let deadline = expected.removeValue(forKey: ObjectIdentifier(due))
            fired.append(try #require(deadline))
            #expect(!due.isScheduled)
        }
        #expect(expected.isEmpty)
        #expect(fired == fired.sorted())
    }

    @Test func aTimerIsNotDueBeforeItsDeadline() throws {
        let loop = try EventLoop()
        var heap = TimerHeap()
        let timer = LoopTimer(loop) {}
        heap.schedule(timer, at: Instant(nanoseconds: 10))
        #expect(heap.takeDue(at: Instant(nanoseconds: 9)) == nil)
        #expect(heap.takeDue(at: Instant(nanoseconds: 10)) === timer)
    }
}

/// Repeatable random numbers (SplitMix).
struct Repeatable: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
