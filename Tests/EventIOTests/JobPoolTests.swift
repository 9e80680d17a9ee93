import Glibc
import Synchronization
import Testing

@testable import EventIO

@Suite struct JobPoolTests {
    @Test func everyAcceptedJobRunsOnce() throws {
        let ran = Atomic<Int>(0)
        var accepted = 0
        do {
            let pool = try JobPool(threads: 3, maxWaiting: 1000, name: "test")
            for _ in 0..<1000 where pool.submit({ ran.add(1, ordering: .relaxed) }) { accepted += 1 }
            while pool.waiting > 0 {}
        }
        #expect(ran.load(ordering: .relaxed) == accepted)
        #expect(accepted == 1000)
    }

    @Test func jobsRunAtALowerPriorityThanTheirCaller() throws {
        let own = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
        let theirs = Atomic<Int32>(0)
        do {
            let pool = try JobPool(threads: 1, maxWaiting: 1, name: "test")
            #expect(
                pool.submit {
                    theirs.store(
                        getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0),
                        ordering: .relaxed
                    )
                }
            )
            while pool.waiting > 0 {}
        }
        #expect(theirs.load(ordering: .relaxed) == min(own + 10, 19))
        #expect(getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) == own)
    }

    @Test func aFullQueueRefusesAJobAndRunsTheAcceptedOnes() throws {
        let gate = ThreadSemaphore()
        let began = ThreadSemaphore()
        let ran = Atomic<Int>(0)
        do {
            let pool = try JobPool(threads: 1, maxWaiting: 2, name: "test")
            #expect(
                pool.submit {
                    began.post()
                    gate.wait()
                }
            )
            began.wait()
            #expect(pool.submit { ran.add(1, ordering: .relaxed) })
            #expect(pool.submit { ran.add(1, ordering: .relaxed) })
            #expect(!pool.submit { ran.add(100, ordering: .relaxed) })
            gate.post()
            while pool.waiting > 0 {}
        }
        #expect(ran.load(ordering: .relaxed) == 2)
    }

    @Test func aQueueThatIsNeverEmptyFreesFinishedJobs() throws {
        let gate = ThreadSemaphore()
        let done = ThreadSemaphore()
        let pool = try JobPool(threads: 1, maxWaiting: 10, name: "test")
        var most = 0
        for index in 0..<1000 {
            let load = Load()
            #expect(
                pool.submit {
                    gate.wait()
                    _ = load
                    done.post()
                }
            )
            guard index >= 3 else { continue }
            gate.post()
            done.wait()
            most = max(most, Load.count.load(ordering: .relaxed))
        }
        for _ in 0..<3 { gate.post() }
        #expect(most <= 20)
    }
}

/// A value that a job holds; counts its live instances.
private final class Load: Sendable {
    static let count = Atomic<Int>(0)

    init() { Self.count.add(1, ordering: .relaxed) }

    deinit { Self.count.subtract(1, ordering: .relaxed) }
}
