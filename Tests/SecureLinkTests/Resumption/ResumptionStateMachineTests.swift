import Basics
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import SecureLink

/// The moments in which a session that has lost its link is tried to be resumed, and in which it is given up.
@Suite struct ResumptionStateMachineTests {
    /// A machine whose link is lost and whose first attempt is under way.
    private func trying() -> ResumptionStateMachine {
        var machine = ResumptionStateMachine()
        _ = machine.linkLost(mayReconnectNow: true)
        _ = machine.waited()
        return machine
    }

    // MARK: - Back to a link

    @Test func aSessionIsResumedAtOnceAtTheAddressOfItsLastLink() {
        var machine = ResumptionStateMachine()
        #expect(!machine.isDoubtful)
        #expect(machine.linkLost(mayReconnectNow: true) == [.wait(.zero)])
        #expect(!machine.isDoubtful)
        #expect(machine.waited() == [.attempt(lastAddressFirst: true, limit: .seconds(5))])
        machine.resumed()
        #expect(!machine.isDoubtful)
        #expect(machine.waited() == [])
    }

    @Test func aSessionThatLosesItsLinksTooOftenWaits() {
        var machine = ResumptionStateMachine()
        #expect(machine.linkLost(mayReconnectNow: false) == [.wait(.milliseconds(500))])
        #expect(machine.waited() == [.attempt(lastAddressFirst: true, limit: .seconds(5))])
    }

    @Test func aLinkThatIsLostAgainIsResumedLikeTheFirst() {
        var machine = trying()
        for _ in 0..<5 {
            _ = machine.failed(.timeout)
            _ = machine.waited()
        }
        machine.resumed()
        #expect(machine.linkLost(mayReconnectNow: true) == [.wait(.zero)])
        #expect(!machine.isDoubtful)
        #expect(machine.waited() == [.attempt(lastAddressFirst: true, limit: .seconds(5))])
        #expect(machine.failed(.timeout) == [.wait(.zero)])
    }

    @Test func anAttemptThatSaysTooLateThatItSucceededChangesNothing() {
        var machine = trying()
        // The new link was lost before the attempt came to say so.
        #expect(machine.linkLost(mayReconnectNow: true) == [.wait(.zero)])
        machine.resumed()
        #expect(machine.failed(.sessionGone) == [])
        #expect(machine.waited() == [.attempt(lastAddressFirst: true, limit: .seconds(5))])
        #expect(machine.failed(.sessionGone) == [.wait(.zero)])
    }

    // MARK: - Back-off

    @Test(arguments: Seeds.some(20))
    func attemptsBackOffAndHaveMoreTimeEach(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var machine = trying()
        let waits: [Duration] = [.zero] + [0.5, 1, 2, 4, 8, 10, 10, 10].map { .seconds($0) }
        let limits: [Duration] = [10, 20, 40, 80, 80, 80, 80, 80, 80].map { .seconds($0) }
        for (index, expected) in waits.enumerated() {
            let actions = machine.attemptFailed(.closed, using: &random)
            guard case .wait(let wait) = try #require(actions.first) else {
                Issue.record("\(actions), SEED=\(seed)")
                return
            }
            #expect(wait >= expected * 0.75 && wait <= expected * 1.25, "SEED=\(seed)")
            let isLastFirst = index % 2 == 1
            #expect(machine.waited() == [.attempt(lastAddressFirst: isLastFirst, limit: limits[index])])
        }
    }

    @Test func aChangeOfTheNetworkEndsAWaitAfterAFailure() throws {
        var machine = ResumptionStateMachine()
        #expect(machine.networkChanged() == [])
        _ = machine.linkLost(mayReconnectNow: false)
        // Links that are lost as soon as they stand are lost on any network.
        #expect(machine.networkChanged() == [])
        _ = machine.waited()
        #expect(machine.networkChanged() == [])
        for _ in 0..<3 {
            _ = machine.failed(.unreachable("no route"))
            _ = machine.waited()
        }
        _ = machine.failed(.unreachable("no route"))
        #expect(machine.networkChanged() == [.attempt(lastAddressFirst: true, limit: .seconds(80))])
        // The wait that was cut short ends nothing.
        #expect(machine.waited() == [])
        let actions = machine.failed(.unreachable("no route"))
        #expect(actions.first == .wait(.zero))
    }

    // MARK: - Denials

    @Test func twoDenialsInARowEndTheSession() {
        var machine = trying()
        #expect(machine.failed(.sessionGone) == [.wait(.zero)])
        #expect(!machine.isDoubtful)
        #expect(machine.waited() == [.attempt(lastAddressFirst: false, limit: .seconds(10))])
        #expect(machine.failed(.sessionGone) == [.abandon(.unknownToServer)])
        #expect(machine.isDoubtful)
        #expect(machine.linkLost(mayReconnectNow: true) == [])
        #expect(machine.networkChanged() == [])
        #expect(machine.waited() == [])
    }

    @Test(arguments: [LinkFailure.timeout, .sessionElsewhere, .rejected("busy")])
    func aDenialCountsOnlyWithTheNextOne(failure: LinkFailure) {
        var machine = trying()
        for _ in 0..<5 {
            for denial in [LinkFailure.sessionGone, failure] {
                let actions = machine.failed(denial)
                #expect(!actions.contains(.abandon(.unknownToServer)))
                #expect(machine.waited().count == 1)
            }
        }
    }

    @Test func aDenialBeforeTheLastLinkDoesNotCount() {
        var machine = trying()
        _ = machine.failed(.sessionGone)
        _ = machine.waited()
        machine.resumed()
        _ = machine.linkLost(mayReconnectNow: true)
        _ = machine.waited()
        #expect(machine.failed(.sessionGone) == [.wait(.zero)])
    }

    // MARK: - Reports to others

    @Test func aSessionIsDoubtfulAfterThreeFailuresUntilItHasALink() throws {
        var machine = trying()
        let failure = LinkFailure.unreachable("connect: refused")
        // The first failure says more about the moment than about the peer.
        #expect(machine.failed(failure) == [.wait(.zero)])
        _ = machine.waited()
        #expect(machine.failed(failure).dropFirst() == [.report(failure)])
        #expect(!machine.isDoubtful)
        _ = machine.waited()
        #expect(machine.failed(failure).dropFirst() == [.becameDoubtful, .report(failure)])
        #expect(machine.isDoubtful)
        _ = machine.waited()
        #expect(machine.isDoubtful)
        machine.resumed()
        #expect(!machine.isDoubtful)
    }

    @Test func aSessionThatAnotherServerDoesNotHaveIsDoubtfulAtOnceAndNoFailureOfThePeer() {
        var machine = trying()
        #expect(machine.failed(.sessionElsewhere) == [.wait(.zero), .becameDoubtful])
        #expect(machine.isDoubtful)
        _ = machine.waited()
        #expect(machine.failed(.sessionElsewhere).dropFirst() == [.becameDoubtful])
        _ = machine.waited()
        #expect(machine.failed(.sessionGone).dropFirst() == [.becameDoubtful])
        _ = machine.waited()
        #expect(machine.failed(.closed).dropFirst() == [.becameDoubtful, .report(.closed)])
    }
}

extension ResumptionStateMachine {
    /// The attempt that is under way fails; the exact waits are of no account.
    fileprivate mutating func failed(_ failure: LinkFailure) -> [Action] {
        var random = SplitMix(seed: 1)
        return attemptFailed(failure, using: &random)
    }
}
