import Basics
import Testing

@testable import SecureLink
@testable import Tunnel

@Suite struct WorkerLoadTests {
    /// No other worker has taken a visitor yet.
    @Test(arguments: [2, 3, 4])
    func visitorsThatArriveTogetherAreSpreadEvenly(workers: Int) {
        let loads = (0..<workers).map { _ in WorkerLoad() }
        var counts = [Int](repeating: 0, count: workers)
        for _ in 0..<(4 * workers) {
            let least = loads.least(from: 0, at: .start)
            counts[least] += 1
            if least == 0 { loads[0].set(streams: counts[0]) } else { loads[least].visitorSent() }
        }
        #expect(counts == [Int](repeating: 4, count: workers))
    }

    @Test func aVisitorCountsOnceWhenItIsTaken() {
        let load = WorkerLoad()
        load.visitorSent()
        #expect(load.score(at: .start) == 1)
        load.visitorTaken()
        load.set(streams: 1)
        #expect(load.score(at: .start) == 1)
        load.set(streams: 0)
        #expect(load.score(at: .start) == 0)
    }

    @Test func aVisitorStaysOnItsWorkerIfAllLoadsAreEqual() {
        let loads = (0..<3).map { _ in WorkerLoad() }
        for own in loads.indices { #expect(loads.least(from: own, at: .start) == own) }
    }

    @Test func bulkWeighsMoreThanManySilentStreams() {
        let loads = (0..<2).map { _ in WorkerLoad() }
        loads[0].set(streams: 1)
        loads[0].traffic.set(recent: 50 << 20, settled: 50 << 20, at: .start)
        loads[1].set(streams: 100)
        #expect(loads.least(from: 0, at: .start) == 1)
    }

    /// The visitors arrived together, and the first of them are served while the others are still being accepted.
    @Test func bulkThatHasJustBegunDoesNotDivertVisitors() {
        let loads = (0..<2).map { _ in WorkerLoad() }
        loads[0].set(streams: 2)
        loads[1].set(streams: 1)
        loads[1].traffic.set(recent: 4 << 20, settled: 0, at: .start)
        #expect(loads.least(from: 0, at: .start) == 1)
    }
}
