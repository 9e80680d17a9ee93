import Synchronization
import Testing

@testable import EventIO

@Suite struct JobPoolTests {
    @Test func everyAcceptedJobIsRunOnce() throws {
        let ran = Atomic<Int>(0)
        var accepted = 0
        do {
            let pool = try JobPool(threads: 3, mostWaiting: 1000, name: "test")
            for _ in 0..<1000 where pool.submit({ ran.add(1, ordering: .relaxed) }) { accepted += 1 }
            while pool.waiting > 0 {}
        }
        #expect(ran.load(ordering: .relaxed) == accepted)
        #expect(accepted == 1000)
    }

    @Test func aFullQueueRefusesAndRunsWhatItAccepted() throws {
        let gate = WakeUp()
        let began = WakeUp()
        let ran = Atomic<Int>(0)
        do {
            let pool = try JobPool(threads: 1, mostWaiting: 2, name: "test")
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
}
