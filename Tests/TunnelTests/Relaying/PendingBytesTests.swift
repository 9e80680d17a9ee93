import Basics
import Testing
import WireCoding

@testable import Tunnel

@Suite struct PendingBytesTests {
    @Test(arguments: [UInt64(1), 2, 3, 4]) func bytesLeaveInTheOrderInWhichTheyCame(seed: UInt64) {
        var random = SystemRandomNumberGenerator()
        let budget = MemoryBudget(1 << 30)
        do {
            var pending = PendingBytes(budget)
            var model: [UInt8] = []
            var next: UInt8 = UInt8(truncatingIfNeeded: seed)
            for _ in 0..<2000 {
                if Bool.random(using: &random) {
                    let count = [1, 10, 4096, 4097, 70_000].randomElement(using: &random) ?? 1
                    let bytes = (0..<count).map { _ in
                        next &+= 1
                        return next
                    }
                    bytes.withUnsafeBytes { pending.append($0) }
                    model += bytes
                } else {
                    let count = Int.random(in: 0...model.count, using: &random)
                    let taken = Self.oldest(of: pending, count)
                    #expect(taken == Array(model.prefix(taken.count)))
                    pending.drop(taken.count)
                    model.removeFirst(taken.count)
                }
                let count = pending.count
                #expect(count == model.count)
                #expect(budget.usedBytes >= count)
            }
        }
        #expect(budget.usedBytes == 0)
    }

    private static func oldest(of pending: borrowing PendingBytes, _ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        withUnsafeTemporaryAllocation(of: MemorySegment.self, capacity: 8) { segments in
            let filled = pending.oldest(into: segments)
            for segment in segments[..<filled] {
                bytes += UnsafeRawBufferPointer(start: segment.base, count: segment.count)
            }
        }
        return Array(bytes.prefix(count))
    }
}
