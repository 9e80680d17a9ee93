import Basics
import ProtocolCoreTesting
import Testing

@testable import Tunnel

@Suite struct LinkPlanTests {
    private let now = Instant.seconds(1000)

    private func session(
        streams: Int = 0,
        busy: Bool = false,
        idleFor: Duration? = nil
    ) -> LinkPlan.SessionState {
        LinkPlan.SessionState(streams: streams, isBusy: busy, idleSince: idleFor.map { now - $0 })
    }

    @Test func anotherSessionIsWantedUntilTheMinimumIsReached() {
        #expect(LinkPlan(.automatic).decide([], at: now).wantsAnother)
        #expect(LinkPlan(.fixed(3)).decide([session(), session()], at: now).wantsAnother)
        #expect(!LinkPlan(.fixed(2)).decide([session(), session()], at: now).wantsAnother)
    }

    @Test func anotherIsWantedOnlyWhenAllAreBusyAndOnlyUpToFour() {
        let plan = LinkPlan(.automatic)
        #expect(!plan.decide([session(streams: 1000)], at: now).wantsAnother)
        #expect(plan.decide([session(streams: 1, busy: true)], at: now).wantsAnother)
        #expect(!plan.decide([session(busy: true), session()], at: now).wantsAnother)
        let four = Array(repeating: session(streams: 1, busy: true), count: 4)
        #expect(!plan.decide(four, at: now).wantsAnother)
    }

    @Test func aFixedNumberDoesNotGrow() {
        #expect(!LinkPlan(.fixed(1)).decide([session(busy: true)], at: now).wantsAnother)
    }

    @Test func surplusSessionsAreClosedAfterAMinuteWithoutUse() {
        let plan = LinkPlan(.automatic)
        let long = LinkPlan.idleTime
        #expect(plan.decide([session(idleFor: long)], at: now).closes.isEmpty)
        #expect(
            plan.decide([session(idleFor: long), session(idleFor: long - .milliseconds(1))], at: now).closes
                == [0]
        )
        #expect(
            plan.decide([session(streams: 1), session(streams: 1), session(idleFor: long)], at: now).closes
                == [2]
        )
        #expect(
            plan.decide([session(idleFor: long), session(idleFor: long), session(idleFor: long)], at: now)
                .closes
                == [2, 1]
        )
    }

    @Test func aSessionWithStreamsIsNeverClosed() {
        let sessions = Array(repeating: session(streams: 1, idleFor: LinkPlan.idleTime * 2), count: 4)
        #expect(LinkPlan(.automatic).decide(sessions, at: now).closes.isEmpty)
    }

    @Test func allWorkersKeepTheNumberOfTheOneThatNeedsTheMost() {
        let plan = LinkPlan(.automatic)
        #expect(plan.decide([session()], others: 2, at: now).wantsAnother)
        #expect(!plan.decide([session(), session()], others: 2, at: now).wantsAnother)
        let four = Array(repeating: session(), count: 4)
        #expect(!plan.decide(four, others: 9, at: now).wantsAnother, "no more than the limit")
        let idle = Array(repeating: session(idleFor: LinkPlan.idleTime), count: 3)
        #expect(plan.decide(idle, others: 2, at: now).closes == [2])
    }

    /// Otherwise two workers would prevent each other from ever closing a session.
    @Test func aSessionKeptForOthersIsNotANeed() {
        let plan = LinkPlan(.automatic)
        let idle = Array(repeating: session(idleFor: LinkPlan.idleTime), count: 3)
        #expect(plan.decide(idle, others: 3, at: now).need == 1)
        #expect(plan.decide([session(streams: 1), session(idleFor: .milliseconds(1))], at: now).need == 2)
        #expect(plan.decide([], others: 3, at: now).need == 1)
    }

    /// If it were closed, it would be dialled again at once.
    @Test func theLastSessionWithoutBulkIsKeptHoweverIdle() {
        let plan = LinkPlan(.automatic)
        let idle = session(idleFor: LinkPlan.idleTime)
        let busy = session(streams: 1, busy: true)
        let decision = plan.decide([busy, idle], at: now)
        #expect(decision.closes.isEmpty)
        #expect(decision.need == 2)
        #expect(plan.decide([busy, idle, idle], at: now).closes == [2])
    }
}
