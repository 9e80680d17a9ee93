import Testing

@testable import Tunnel

@Suite struct StreamCountPeakTests {
    /// What is said at each of these counts.
    private func said(_ counts: [Int]) -> [Bool] {
        var watch = StreamCountPeak()
        return counts.map { watch.hasLeft(now: $0) }
    }

    @Test func aCrowdThatLeavesIsNoticedOnce() {
        #expect(said([1000, 600, 251, 250, 10, 0]) == [false, false, false, true, false, false])
    }

    @Test func aFewAreNoCrowd() {
        #expect(said([255, 0, 300, 0]) == [false, false, false, true])
    }
}
