import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

@Suite struct ControlQueueTests {
    @Test func framesAreTakenWholeAndInOrder() {
        var queue = ControlQueue()
        queue.open(StreamID(rawValue: 1), payload: [4, 1, 2, 3, 4])
        queue.reset(StreamID(rawValue: 3), .cancelled)
        queue.ping(0x0102_0304_0506_0708)
        queue.close(ReasonText(code: .shutdown, text: "bye"))
        #expect(taken(&queue) == [1, 0, 0, 5, 0, 0, 0, 1, 4, 1, 2, 3, 4])
        #expect(taken(&queue) == [4, 0, 0, 2, 0, 0, 0, 3, 1, 0])
        #expect(taken(&queue) == [6, 0, 0, 8, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
        #expect(taken(&queue) == [8, 0, 0, 5, 0, 0, 0, 0, 0, 10, 0x62, 0x79, 0x65])
        #expect(queue.isEmpty)
        #expect(queue.nextCount == 0)
    }

    @Test func waitingPingAnswersAreCounted() {
        var queue = ControlQueue()
        let token: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
        queue.ping(1)
        for _ in 0..<3 { token.withUnsafeBytes { queue.answerPing($0) } }
        #expect(queue.answers == 3)
        _ = taken(&queue)
        #expect(queue.answers == 3)
        _ = taken(&queue)
        #expect(queue.answers == 2)
        queue.ping(2)
        _ = taken(&queue)
        _ = taken(&queue)
        #expect(queue.answers == 0)
        #expect(!queue.isEmpty)
    }

    @Test func aQueueThatIsNeverEmptyDoesNotGrow() {
        var queue = ControlQueue()
        queue.ping(0)
        for token in UInt64(1)...200_000 {
            queue.ping(token)
            _ = taken(&queue)
        }
        #expect(queue.count == 16)
        #expect(queue.capacity < 256 << 10)
    }

    private func taken(_ queue: inout ControlQueue) -> [UInt8] {
        var frame = [UInt8](repeating: 0, count: queue.nextCount)
        frame.withUnsafeMutableBytes { space in
            if let base = space.baseAddress { queue.takeNext(to: base) }
        }
        return frame
    }
}
