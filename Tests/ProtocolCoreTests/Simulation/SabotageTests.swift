import Basics
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

/// Whether the random schedules detect faults: each test breaks one rule at one end and expects that a schedule finds it.
@Suite struct SabotageTests {
    @Test func acknowledgingOneRecordTooManyIsDetected() throws {
        try expectToBeFound {
            $0.after = { end in
                guard end.session.acknowledgements.isPending else { return }
                _ = end.session.acknowledgements.note(bytes: 0, asks: true)
            }
        }
    }

    @Test func acknowledgingNothingIsDetected() throws {
        try expectToBeFound {
            $0.after = { end in
                end.session.acknowledgements = AcknowledgementState()
                end.session.deadlines.acknowledgement = .distantFuture
            }
        }
    }

    @Test func claimingOneRecordTooManyOnResumptionIsDetected() throws {
        try expectToBeFound { $0.exaggeration = 1 }
    }

    @Test func claimingOneRecordTooFewOnResumptionIsDetected() throws {
        try expectToBeFound { $0.exaggeration = .max }
    }

    @Test func sendingBeyondASessionsCreditIsDetected() throws {
        try expectToBeFound {
            $0.after = { end in _ = end.session.sendWindow.raise(to: end.session.sendWindow.limit + 1) }
        }
    }

    @Test func sendingBeyondAStreamsCreditIsDetected() throws {
        try expectToBeFound {
            $0.after = { end in
                for stream in end.streams.values where end.session.streams.contains(stream.handle) {
                    let slot = stream.handle.slot
                    let limit = end.session.streams[slot].sendWindow.limit
                    _ = end.session.streams[slot].sendWindow.raise(to: limit + 1)
                    if stream.sent < stream.toSend { end.session.setReady(stream.handle) }
                }
            }
        }
    }

    @Test func givingNoCreditIsDetected() throws {
        try expectToBeFound {
            $0.after = { end in
                for slot in end.session.grantsDue { end.session.streams[slot].isGrantListed = false }
                end.session.grantsDue = []
                end.session.isSessionGrantDue = false
            }
        }
    }

    @Test func losingTheEndOfAStreamIsDetected() throws {
        try expectToBeFound { $0.ending = { _, _ in .drained } }
    }

    @Test func neverSendingADelayedResetIsDetected() throws {
        var found = 0
        for seed in Seeds.some(60) {
            var schedule = try RandomSchedule(seed: seed)
            schedule.sabotage { end in
                end.session.ownEarlyResets = TokenBucket(
                    capacity: 0,
                    perSecond: 0,
                    at: Instant(nanoseconds: 0)
                )
                end.session.deadlines.delayedReset = .distantFuture
                end.session.openConfirmation = OpenConfirmation()
            }
            if !schedule.run().isEmpty { found += 1 }
        }
        #expect(found >= 5)
    }

    private func expectToBeFound(
        _ break: (inout SimulatedEnd.Sabotage) -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var sabotage = SimulatedEnd.Sabotage()
        `break`(&sabotage)
        var found = 0
        for seed in Seeds.some(60) {
            var schedule = try RandomSchedule(seed: seed)
            schedule.sabotage(sabotage)
            if !schedule.run().isEmpty { found += 1 }
        }
        // Not every schedule exercises every rule.
        #expect(found >= 10, "found in \(found) of 60", sourceLocation: sourceLocation)
    }
}

extension RandomSchedule {
    fileprivate mutating func sabotage(_ after: @escaping (SimulatedEnd) -> Void) {
        var sabotage = SimulatedEnd.Sabotage()
        sabotage.after = after
        self.sabotage(sabotage)
    }
}
