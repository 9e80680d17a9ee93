import Basics
import ProtocolCoreTesting
import Testing

@testable import Tunnel

/// Streams on sessions: which one carries a stream, and what becomes of it after that.
@Suite struct SessionPoolStateMachineTests {
    private let now = Instant.seconds(1000)

    private func session(_ name: String, silentFor silence: Duration = .zero) -> FakeSession {
        FakeSession(name, lastReceived: now - silence)
    }

    private func sessions(_ count: Int) -> [FakeSession] { (0..<count).map { session("\($0)") } }

    /// A pool with these sessions.
    private func pool(_ pool: FakePool, _ sessions: [FakeSession]) -> FakePool {
        var pool = pool
        for session in sessions { pool.add(session, othersNeed: 0, at: now) }
        return pool
    }

    private func shared(_ sessions: [FakeSession]) -> FakePool {
        pool(.of(links: .fixed(sessions.count)), sessions)
    }

    private func exclusive(_ sessions: [FakeSession]) -> FakePool {
        pool(.of(shared: false, exclusive: true), sessions)
    }

    /// The sessions that are to be pinged; `nil` when one was chosen.
    private func pings(_ choice: FakePool.Choice) -> [String]? {
        guard case .wait(let sessions) = choice else { return nil }
        return sessions.map(\.name)
    }

    // MARK: Shared sessions

    @Test func aStreamGoesToTheSessionThatMovesTheLeastBulk() {
        let all = sessions(3)
        var pool = shared(all)
        all[0].bulkBytes = 2
        all[1].bulkBytes = 1
        all[2].bulkBytes = 2
        all[1].streamCount = 1000
        #expect(pool.open(at: now) === all[1])
    }

    @Test func amongEqualsAStreamGoesToTheSessionWithTheFewestAndThenToTheOldest() {
        let all = sessions(3)
        var pool = shared(all)
        all[0].streamCount = 1
        #expect(pool.open(at: now) === all[1])
        #expect(pool.open(at: now) === all[2])
        #expect(pool.open(at: now) === all[0])
    }

    @Test func aSessionThatCannotOpenIsNotChosenHoweverIdle() {
        let all = sessions(2)
        var pool = shared(all)
        all[0].canOpen = false
        all[1].bulkBytes = 1 << 30
        #expect(pool.open(at: now) === all[1])
        all[1].canOpen = false
        #expect(pings(pool.choose(exclusive: false, at: now)) == [])
    }

    @Test func aSharedStreamNeverGoesToAnExclusiveSession() {
        var pool = exclusive(sessions(2))
        #expect(pings(pool.choose(exclusive: false, at: now)) == [])
    }

    @Test func aSessionOfWhichThePeerAllowsNoMoreStreamsHoldsThemUp() {
        let all = sessions(1)
        let pool = shared(all)
        #expect(!pool.isHeldUpByLimit)
        all[0].canOpen = false
        #expect(pool.isHeldUpByLimit)
        all[0].isAttached = false
        #expect(!pool.isHeldUpByLimit, "the link is what is missing")
        all[0].isAttached = true
        all[0].isSpent = true
        #expect(!pool.isHeldUpByLimit, "another session is what is missing")
    }

    @Test func aSharedSessionIsClosedWithItsLastStreamIfItIsSpent() {
        let all = sessions(1)
        var pool = shared(all)
        #expect(pool.open(at: now) === all[0])
        #expect(pool.open(at: now) === all[0])
        all[0].spend()
        #expect(pool.end(on: all[0], at: now) == false)
        #expect(pool.end(on: all[0], at: now) == true)
    }

    @Test func aSharedSessionOutlivesItsLastStream() {
        let all = sessions(1)
        var pool = shared(all)
        #expect(pool.open(at: now) === all[0])
        #expect(pool.end(on: all[0], at: now) == false)
    }

    // MARK: Exclusive sessions

    @Test func theExclusiveSessionThatWasUsedLastIsUsedFirst() {
        let all = sessions(3)
        var pool = exclusive(all)
        #expect(pool.open(exclusive: true, at: now) === all[2])
        #expect(pool.open(exclusive: true, at: now) === all[1])
        #expect(pool.end(on: all[2], at: now) == false)
        #expect(pool.end(on: all[1], at: now) == false)
        #expect(pool.open(exclusive: true, at: now) === all[1])
        #expect(pool.open(exclusive: true, at: now) === all[2])
        #expect(pool.open(exclusive: true, at: now) === all[0])
        #expect(pings(pool.choose(exclusive: true, at: now)) == [])
    }

    @Test func anExclusiveSessionThatWasSilentIsPingedBeforeItIsUsed() {
        let silent = session("silent", silentFor: .seconds(30))
        var pool = exclusive([silent])
        #expect(pings(pool.choose(exclusive: true, at: now)) == ["silent"])
        silent.lastReceived = now
        #expect(pool.open(exclusive: true, at: now) === silent)
    }

    @Test func aSessionIsFreshUntilItsTimeIsOver() {
        let almost = session("almost", silentFor: .seconds(30) - .milliseconds(1))
        var pool = exclusive([almost])
        #expect(pool.open(exclusive: true, at: now) === almost)
    }

    @Test func aFreshSessionIsPreferredToALaterOneThatIsSilent() {
        let all = [session("fresh"), session("silent", silentFor: .seconds(60)), session("cut")]
        var pool = exclusive(all)
        all[2].loseLink()
        #expect(pool.open(exclusive: true, at: now) === all[0])
        #expect(pings(pool.choose(exclusive: true, at: now)) == ["silent", "cut"])
    }

    @Test func aSessionThatRefusedItsStreamStandsReadyAgain() {
        let all = sessions(2)
        var pool = exclusive(all)
        guard case .open(let chosen) = pool.choose(exclusive: true, at: now) else {
            Issue.record("nothing was chosen")
            return
        }
        pool.refused(chosen)
        #expect(pool.count == 2)
        #expect(pool.open(exclusive: true, at: now) === chosen)
    }

    @Test func atMostEightExclusiveSessionsAreKeptAfterARush() {
        let all = sessions(10)
        var pool = exclusive(all)
        for _ in all { #expect(pool.open(exclusive: true, at: now) != nil) }
        let closed = all.filter { pool.end(on: $0, at: now) }
        #expect(closed.map(\.name) == ["8", "9"])
    }

    @Test func anExclusiveSessionIsClosedWithItsStreamIfItIsSpent() {
        let all = sessions(1)
        var pool = exclusive(all)
        #expect(pool.open(exclusive: true, at: now) === all[0])
        all[0].spend()
        #expect(pool.end(on: all[0], at: now) == true)
        #expect(pings(pool.choose(exclusive: true, at: now)) == ["0"])
    }

    /// The dial may have been begun for a stream that has found another session meanwhile.
    @Test func aPeerWithOnlyExclusiveRoutesHasNoSharedSession() {
        let all = sessions(3)
        var pool = exclusive(all)
        #expect(pool.count == 3)
        #expect(pool.open(exclusive: true, at: now) === all[2])
    }

    @Test func theFirstSessionIsSharedAndTheNextOnesAreExclusive() {
        let all = sessions(4)
        var pool = pool(.of(exclusive: true), all)
        #expect(pool.open(at: now) === all[0])
        #expect(pool.open(exclusive: true, at: now) === all[2])
        #expect(pool.open(exclusive: true, at: now) === all[1])
        #expect(
            pings(pool.choose(exclusive: true, at: now)) == [],
            "two stand ready, so the last one is shared"
        )
    }

    // MARK: Coming and going

    @Test func aSessionThatIsOverIsForgottenWhereverItStood() {
        let all = sessions(4)
        var pool = pool(.of(exclusive: true), all)
        let taken = pool.open(exclusive: true, at: now)
        #expect(taken === all[2])
        #expect(pool.count == 4)
        for (gone, session) in all.enumerated() {
            pool.remove(session)
            #expect(pool.count == 3 - gone)
            #expect(!pool.sessions.contains { $0 === session })
        }
        #expect(pool.streamEnded(on: all[2], at: now) == false, "its stream ends after it")
        #expect(pool.count == 0)
    }

    // MARK: Draining

    @Test func nothingIsChosenOnceThePoolDrains() {
        var pool = pool(.of(exclusive: true), sessions(3))
        pool.drain()
        #expect(pool.isDrained)
        #expect(pings(pool.choose(exclusive: false, at: now)) == [])
        #expect(pings(pool.choose(exclusive: true, at: now)) == [])
    }

    @Test func aDrainedPoolClosesEachSessionWithItsLastStream() {
        let all = sessions(3)
        var pool = pool(.of(exclusive: true), all)
        #expect(pool.open(at: now) === all[0])
        #expect(pool.open(at: now) === all[0])
        #expect(pool.open(exclusive: true, at: now) === all[2])
        pool.drain()
        #expect(pool.surplus(othersNeed: 0, at: now).closes.map(\.name) == ["1"])
        #expect(pool.end(on: all[0], at: now) == false)
        #expect(pool.end(on: all[0], at: now) == true)
        #expect(pool.end(on: all[2], at: now) == true)
    }
}
