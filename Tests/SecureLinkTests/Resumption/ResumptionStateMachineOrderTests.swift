import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import SecureLink

/// A session's resumption that gets every input in every order.
@Suite struct ResumptionStateMachineOrderTests {
    @Test func aResumptionEndsOnceAndIsSilentThenInEveryOrderOfInputs() {
        var orders = EveryOrder { ResumptionOrder(seed: 1) }
        orders.search(5)
        orders.search(5, after: [.linkLost, .waited, .failed])
        orders.search(4, after: [.linkLost, .waited, .denied, .waited])
        #expect(orders.faults == [])
        #expect(orders.ends == ["abandon"])
    }

    @Test(arguments: Seeds.some(4))
    func aResumptionEndsOnceInALongOrderOfInputs(seed: UInt64) {
        var orders = EveryOrder { ResumptionOrder(seed: seed) }
        orders.wander(20_000, seed: seed)
        #expect(orders.faults == [], "SEED=\(seed)")
        #expect(orders.ends == ["abandon"], "SEED=\(seed)")
    }
}

/// A session's resumption and the rules for what it may answer.
private struct ResumptionOrder: OrderSubject {
    enum Input: CaseIterable {
        case linkLost
        /// So soon after the last time that it must wait.
        case linkLostAgain
        case waited
        case networkChanged
        case resumed
        case failed
        /// The server that had the session does not have it any more.
        case denied
        /// Another server does not have the session.
        case elsewhere
    }

    private var machine = ResumptionStateMachine()
    private var random: SplitMix
    private(set) var end: String?
    private var hasLink = true
    private var isWaiting = false
    private var isTrying = false
    /// The failures of attempts since the link was lost.
    private var failures: [LinkFailure] = []
    /// Attempts that have failed since the back-off began.
    private var backoffCount = 0

    init(seed: UInt64) {
        random = SplitMix(seed: seed)
    }

    func allows(_ input: Input) -> Bool { true }

    mutating func feed(_ input: Input) -> String? {
        let actions = give(input)
        if end != nil { return actions.isEmpty && machine.isDoubtful ? nil : "an ended resumption answers" }
        let rule =
            switch input {
            case .linkLost: checkLoss(actions, wait: .zero)
            case .linkLostAgain: checkLoss(actions, wait: ReconnectBackoff.first)
            case .waited: checkAttempt(actions, isDue: isWaiting)
            case .networkChanged: checkNetworkChange(actions)
            case .resumed: checkResumed()
            case .failed, .denied, .elsewhere: checkFailure(actions, input.failure)
            }
        if let rule { return rule }
        let isDoubtful = failures.contains(.sessionElsewhere) || failures.count >= 3
        let expected = end != nil || (!hasLink && isDoubtful)
        return machine.isDoubtful == expected ? nil : "the doubt about a session is wrong"
    }

    private mutating func give(_ input: Input) -> [ResumptionStateMachine.Action] {
        switch input {
        case .linkLost: return machine.linkLost(mayReconnectNow: true)
        case .linkLostAgain: return machine.linkLost(mayReconnectNow: false)
        case .waited: return machine.waited()
        case .networkChanged: return machine.networkChanged()
        case .resumed:
            machine.resumed()
            return []
        case .failed, .denied, .elsewhere: return machine.attemptFailed(input.failure, using: &random)
        }
    }
}

// MARK: - Rules

extension ResumptionOrder {
    private mutating func checkLoss(
        _ actions: [ResumptionStateMachine.Action],
        wait: Duration
    ) -> String? {
        hasLink = false
        isWaiting = true
        isTrying = false
        failures = []
        backoffCount = 0
        return actions == [.wait(wait)] ? nil : "a lost link does not lead to one wait"
    }

    private mutating func checkAttempt(
        _ actions: [ResumptionStateMachine.Action],
        isDue: Bool
    ) -> String? {
        guard isDue else { return actions.isEmpty ? nil : "an attempt that is not due" }
        isWaiting = false
        isTrying = true
        let limit = Duration.seconds(5 << min(failures.count, 4))
        let attempt = ResumptionStateMachine.Action.attempt(
            lastAddressFirst: failures.count % 2 == 0,
            limit: limit
        )
        return actions == [attempt] ? nil : "another attempt than the one that is due"
    }

    private mutating func checkNetworkChange(_ actions: [ResumptionStateMachine.Action]) -> String? {
        let isDue = isWaiting && !failures.isEmpty
        if isDue { backoffCount = 0 }
        return checkAttempt(actions, isDue: isDue)
    }

    private mutating func checkResumed() -> String? {
        if isTrying { hasLink = true }
        isTrying = false
        return nil
    }

    private mutating func checkFailure(
        _ actions: [ResumptionStateMachine.Action],
        _ failure: LinkFailure
    ) -> String? {
        guard isTrying else { return actions.isEmpty ? nil : "a failure without an attempt" }
        isTrying = false
        if failure == .sessionGone, failures.last == .sessionGone {
            end = "abandon"
            return actions == [.abandon(.unknownToServer)] ? nil : "two denials do not end the session"
        }
        failures.append(failure)
        isWaiting = true
        guard case .wait(let wait) = actions.first else { return "a failure does not lead to a wait" }
        let doubled = Duration.milliseconds(250 << min(backoffCount, 9))
        let usual = backoffCount == 0 ? Duration.zero : min(doubled, .seconds(10))
        backoffCount += 1
        if wait < usual * 0.75 || wait > usual * 1.25 { return "a wait that is not the back-off's" }
        var told: [ResumptionStateMachine.Action] = []
        if failures.contains(.sessionElsewhere) || failures.count >= 3 { told.append(.becameDoubtful) }
        if failures.count > 1, failure == .timeout { told.append(.report(.timeout)) }
        return actions.dropFirst() == told[...] ? nil : "the reports differ"
    }
}

extension ResumptionOrder.Input {
    fileprivate var failure: LinkFailure {
        switch self {
        case .denied: .sessionGone
        case .elsewhere: .sessionElsewhere
        default: .timeout
        }
    }
}
