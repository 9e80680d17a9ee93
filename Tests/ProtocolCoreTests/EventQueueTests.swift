import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

@Suite struct EventQueueTests {
    @Test(arguments: Seeds.some(5)) func theQueueIsAFIFO(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var queue = EventQueue()
        var added: UInt64 = 0
        var taken: UInt64 = 0
        for _ in 0..<5000 {
            if random.chance(50) {
                queue.add(.roundTrip(.nanoseconds(added)))
                added += 1
            } else if let event = queue.take() {
                guard case .roundTrip(let duration) = event else { continue }
                #expect(duration == .nanoseconds(taken))
                taken += 1
            } else {
                #expect(added == taken)
            }
            #expect(queue.count == Int(added - taken))
        }
    }

    @Test func aQueueThatIsNeverEmptyDoesNotGrow() {
        var queue = EventQueue()
        queue.add(.roundTrip(.zero))
        for _ in 0..<100_000 {
            queue.add(.roundTrip(.zero))
            _ = queue.take()
        }
        #expect(queue.count == 1)
        #expect(queue.capacity < 4096)
    }
}
