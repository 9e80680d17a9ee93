import Basics
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

@Suite struct OpenConfirmationTests {
    private func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test func aStreamIsOldASecondAfterThePeerAcknowledgedIt() {
        var state = OpenConfirmation()
        state.sealed(upTo: 5, records: 3, at: at(1000))
        state.settle(at: at(9000))
        #expect(state.settled == 0)
        state.acknowledged(2, at: at(9000))
        state.settle(at: at(20000))
        #expect(state.settled == 0)
        state.acknowledged(3, at: at(20000))
        state.settle(at: at(20999))
        #expect(state.settled == 0)
        #expect(state.nextChange(upTo: 5) == at(21000))
        state.settle(at: at(21000))
        #expect(state.settled == 5)
        #expect(state.nextChange(upTo: 5) == nil)
    }

    @Test func streamsOpenedAfterAMarkWaitForTheNextOne() {
        var state = OpenConfirmation()
        state.sealed(upTo: 1, records: 1, at: at(0))
        state.sealed(upTo: 9, records: 4, at: at(100))
        state.acknowledged(4, at: at(200))
        state.settle(at: at(1200))
        // The acknowledgement covers them too, but the mark was set before they were opened.
        #expect(state.settled == 1)
        #expect(state.nextChange(upTo: 9) == at(50))
        state.sealed(upTo: 9, records: 4, at: at(1200))
        state.acknowledged(4, at: at(1200))
        state.settle(at: at(2200))
        #expect(state.settled == 9)
    }

    @Test(arguments: Seeds.some(20)) func aSettledStreamWasAcknowledgedASecondAgo(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var state = OpenConfirmation()
        var now: UInt64 = 0
        var opened: UInt32 = 1
        var records: UInt64 = 0
        var acknowledged: UInt64 = 0
        // The record that carries each stream's OPEN, and the time at which that record was acknowledged.
        var openedIn: [UInt32: UInt64] = [:]
        var known: [UInt32: UInt64] = [:]
        for _ in 0..<3000 {
            now += UInt64.random(in: 0...30, using: &random)
            if random.chance(40) {
                opened += 2
                records += 1
                openedIn[opened] = records
                state.sealed(upTo: opened, records: records, at: at(now))
            }
            if random.chance(30) {
                acknowledged = UInt64.random(in: acknowledged...records, using: &random)
                for (stream, record) in openedIn where record <= acknowledged && known[stream] == nil {
                    known[stream] = now
                }
                state.acknowledged(acknowledged, at: at(now))
            }
            state.settle(at: at(now))
            guard state.settled > 1 else { continue }
            expect(openedIn.keys.allSatisfy { $0 > state.settled || (known[$0] ?? .max) <= now - 1000 })
        }
        #expect(state.settled > 100)
    }
}
