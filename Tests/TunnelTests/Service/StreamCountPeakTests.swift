import Testing

@testable import Tunnel

@Suite struct StreamCountPeakTests {
    /// The results for these counts of streams, one after the other.
    private func results(_ counts: [Int]) -> [Bool] {
        var watch = StreamCountPeak()
        return counts.map { watch.hasLeft(now: $0) }
    }

    @Test func theEndOfMostOfManyStreamsIsNoticedOnce() {
        #expect(results([1000, 600, 251, 250, 10, 0]) == [false, false, false, true, false, false])
    }

    @Test func fewStreamsAreNotMany() {
        #expect(results([255, 0, 300, 0]) == [false, false, false, true])
    }
}
