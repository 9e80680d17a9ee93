import Basics
import ProtocolCoreTesting
import SecureLink
import Testing

@testable import Tunnel

/// Sessions that are dialled, and sessions that are of no use any more.
@Suite struct SessionPoolStateMachineDialTests {
    private let now = Instant.seconds(1000)

    private func session(_ name: String) -> FakeSession { FakeSession(name, lastReceived: now) }

    private func dial(
        _ pool: inout FakePool,
        othersNeed: Int = 0,
        delay: Duration = .zero
    ) -> FakePool.Dialling {
        pool.makeReady(othersNeed: othersNeed, delay: delay, at: now)
    }

    /// Dials as long as the pool wants another session.
    ///
    /// - Returns: the sessions, in the order in which they came.
    private func fill(_ pool: inout FakePool, othersNeed: Int = 0) -> [FakeSession] {
        var all: [FakeSession] = []
        while all.count < 100, dial(&pool, othersNeed: othersNeed) == .dial {
            let session = session("\(all.count)")
            pool.dialSucceeded()
            pool.add(session, othersNeed: othersNeed, at: now)
            all.append(session)
        }
        return all
    }

    // MARK: How many

    @Test func aPoolThatNoRouteWantsDialsNothing() {
        var pool = FakePool.of(shared: false, exclusive: false)
        #expect(dial(&pool) == .nothing)
    }

    @Test(arguments: [(LinkCount.automatic, 1), (.fixed(3), 3)])
    func asManySharedSessionsAreDialledAsThePlanWants(links: LinkCount, count: Int) {
        var pool = FakePool.of(links: links)
        #expect(fill(&pool).count == count)
    }

    @Test func asManyAreDialledAsAnotherWorkerNeeds() {
        var pool = FakePool.of()
        #expect(fill(&pool, othersNeed: 3).count == 3)
    }

    @Test func anotherOneIsDialledWhenAllAreBusy() {
        var pool = FakePool.of()
        let all = fill(&pool)
        all[0].isBusy = true
        #expect(fill(&pool).count == 1)
    }

    @Test func twoExclusiveSessionsStandReadyForTheNextVisitors() {
        var pool = FakePool.of(shared: false, exclusive: true)
        #expect(fill(&pool).count == 2)
        let taken = pool.open(exclusive: true, at: now)
        #expect(taken != nil)
        #expect(fill(&pool).count == 1)
        #expect(pool.count == 3)
    }

    @Test func asManyExclusiveSessionsAreDialledAsStreamsWaitButAtMostEightAtOnce() {
        var pool = FakePool.of(shared: false, exclusive: true)
        pool.waiting(exclusive: 5)
        #expect(fill(&pool).count == 5)
        pool.waiting(exclusive: 100)
        #expect(fill(&pool).count == 3)
        pool.waiting(exclusive: 0)
        #expect(dial(&pool) == .nothing)
    }

    @Test func streamsThatWaitForAnExclusiveSessionDialNoneWhereNoRouteWantsOne() {
        var pool = FakePool.of()
        #expect(fill(&pool).count == 1)
        pool.waiting(exclusive: 5)
        #expect(dial(&pool) == .nothing)
    }

    @Test func aSessionThatMayNeverHaveALinkAgainIsReplaced() {
        for isExclusive in [false, true] {
            var pool = FakePool.of(shared: !isExclusive, exclusive: isExclusive)
            let all = fill(&pool)
            all[0].loseLink()
            #expect(dial(&pool) == .nothing, "it may come back at once")
            all[0].isDoubtful = true
            #expect(fill(&pool).count == 1)
        }
    }

    @Test func aSharedSessionThatIsSpentIsReplaced() {
        var pool = FakePool.of()
        let all = fill(&pool)
        all[0].spend()
        #expect(fill(&pool).count == 1)
    }

    @Test func aSessionThatIsOverIsReplaced() {
        var pool = FakePool.of(exclusive: true)
        let all = fill(&pool)
        #expect(all.count == 3)
        for session in all { pool.remove(session) }
        #expect(fill(&pool).count == 3)
    }

    // MARK: When

    @Test func oneSessionIsDialledAtATime() {
        var pool = FakePool.of(links: .fixed(2))
        #expect(dial(&pool) == .dial)
        #expect(dial(&pool) == .nothing)
        pool.dialSucceeded()
        pool.add(session("a"), othersNeed: 0, at: now)
        #expect(dial(&pool) == .dial)
    }

    @Test func aFailureIsFollowedByAnAttemptAtOnceAndThenByALongerWaitEachTime() {
        var random = SplitMix(seed: 7)
        var pool = FakePool.of()
        var waits: [Duration] = []
        for _ in 0..<10 {
            #expect(dial(&pool) == .dial)
            guard case .wait(let wait) = pool.dialFailed(using: &random) else {
                Issue.record("no wait")
                return
            }
            waits.append(wait)
            #expect(dial(&pool) == .nothing)
            pool.waited()
        }
        #expect(waits[0] == .zero)
        let steps = [0.5, 1, 2, 4, 8, 10, 10, 10, 10]
        for (wait, step) in zip(waits.dropFirst(), steps) {
            #expect(wait >= .seconds(step * 0.75) && wait <= .seconds(step * 1.25))
        }
    }

    @Test func aLoginBeginsTheWaitsAnew() {
        var random = SplitMix(seed: 7)
        var pool = FakePool.of()
        for _ in 0..<3 {
            _ = dial(&pool)
            _ = pool.dialFailed(using: &random)
            pool.waited()
        }
        #expect(dial(&pool) == .dial)
        pool.dialSucceeded()
        #expect(dial(&pool) == .dial)
        #expect(pool.dialFailed(using: &random) == .wait(.zero))
    }

    @Test func aRefusedPasswordIsNotTriedBeforeItsTime() {
        var pool = FakePool.of()
        #expect(dial(&pool, delay: .seconds(3)) == .wait(.seconds(3)))
        #expect(dial(&pool) == .nothing)
        pool.waited()
        #expect(dial(&pool) == .dial)
    }

    @Test func aDelayIsNotWaitedForWhereNothingIsWanted() {
        var pool = FakePool.of()
        _ = fill(&pool)
        #expect(dial(&pool, delay: .seconds(3)) == .nothing)
    }

    @Test func aDrainedPoolNeverDials() {
        var random = SplitMix(seed: 7)
        var idle = FakePool.of()
        idle.drain()
        #expect(dial(&idle) == .nothing)

        var dialling = FakePool.of(exclusive: true)
        dialling.waiting(exclusive: 3)
        #expect(dial(&dialling) == .dial)
        dialling.drain()
        #expect(dialling.dialFailed(using: &random) == .nothing)
        dialling.dialSucceeded()
        dialling.waiting(exclusive: 3)
        #expect(dial(&dialling) == .nothing)

        var waiting = FakePool.of()
        #expect(dial(&waiting, delay: .seconds(1)) == .wait(.seconds(1)))
        waiting.drain()
        waiting.waited()
        #expect(dial(&waiting) == .nothing)
    }

    // MARK: Surplus

    @Test func aSharedSessionThatNobodyHasNeededForAMinuteIsClosed() {
        var pool = FakePool.of()
        let all = fill(&pool, othersNeed: 2)
        #expect(all.count == 2)
        let later = now + LinkPlan.idleTime
        let kept = pool.surplus(othersNeed: 2, at: later)
        #expect(kept.closes.isEmpty && kept.need == 1)
        let closed = pool.surplus(othersNeed: 1, at: later)
        #expect(closed.closes.map(\.name) == ["1"] && closed.need == 1)
        #expect(pool.surplus(othersNeed: 1, at: later - .milliseconds(1)).closes.isEmpty)
    }

    @Test func theMinuteBeginsWithTheEndOfTheLastStream() {
        var pool = FakePool.of()
        let all = fill(&pool, othersNeed: 2)
        #expect(pool.open(at: now) === all[0])
        #expect(pool.open(at: now) === all[1])
        let later = now + LinkPlan.idleTime
        #expect(pool.surplus(othersNeed: 1, at: later).closes.isEmpty)
        #expect(pool.end(on: all[1], at: later) == false)
        #expect(pool.surplus(othersNeed: 1, at: later).closes.isEmpty)
        #expect(pool.surplus(othersNeed: 1, at: later + LinkPlan.idleTime).closes.map(\.name) == ["1"])
    }

    @Test func sharedSessionsAreNotJudgedWhileOneOfThemIsOfNoUse() {
        var pool = FakePool.of(links: .automatic)
        let all = fill(&pool, othersNeed: 3)
        let later = now + LinkPlan.idleTime
        #expect(pool.surplus(othersNeed: 1, at: later).closes.count == 2)
        all[0].isDoubtful = true
        #expect(pool.surplus(othersNeed: 1, at: later).closes.isEmpty)
    }

    @Test func anExclusiveSessionThatIsSpentIsClosed() {
        var pool = FakePool.of(shared: false, exclusive: true)
        let all = fill(&pool)
        all[1].spend()
        #expect(pool.surplus(othersNeed: 0, at: now).closes.map(\.name) == ["1"])
    }

    @Test func moreThanEightReadySessionsAreTooManyAndTheOldestAreClosed() {
        var pool = FakePool.of(shared: false, exclusive: true)
        let all = (0..<11).map { session("\($0)") }
        for session in all { pool.add(session, othersNeed: 0, at: now) }
        all[0].loseLink()
        // A session without a link is not closed: its peer would not hear of it.
        #expect(pool.surplus(othersNeed: 0, at: now).closes.map(\.name) == ["1", "2"])
        all[1].spend()
        #expect(pool.surplus(othersNeed: 0, at: now).closes.map(\.name) == ["1", "2"], "none twice")
        all[10].spend()
        #expect(pool.surplus(othersNeed: 0, at: now).closes.map(\.name) == ["1", "10"], "and eight are left")
    }

    @Test func aSessionWithAStreamIsNoSurplusHoweverManyThereAre() {
        var pool = FakePool.of(shared: false, exclusive: true)
        pool.waiting(exclusive: 8)
        #expect(fill(&pool).count == 8)
        for _ in 0..<8 { #expect(pool.open(exclusive: true, at: now) != nil) }
        #expect(fill(&pool).count == 8)
        #expect(pool.surplus(othersNeed: 0, at: now).closes.isEmpty)
    }

    @Test func aDrainedPoolNeedsNothingAndClosesWhatCarriesNothing() {
        var pool = FakePool.of(exclusive: true)
        let all = fill(&pool)
        #expect(pool.open(at: now) === all[0])
        pool.drain()
        let surplus = pool.surplus(othersNeed: 4, at: now)
        #expect(surplus.closes.map(\.name) == ["1", "2"])
        #expect(surplus.need == 0)
    }
}
