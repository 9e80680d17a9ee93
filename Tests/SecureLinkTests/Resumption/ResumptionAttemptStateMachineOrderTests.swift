import ProtocolCoreTesting
import Testing

@testable import ProtocolCore
@testable import SecureLink

/// An attempt to resume a session that gets every input in every order.
@Suite struct ResumptionAttemptStateMachineOrderTests {
    @Test(arguments: [true, false])
    func anAttemptEndsOnceAndIsSilentThenInEveryOrderOfInputs(hasMoreAddresses: Bool) throws {
        let script = try AttemptScript(connections: 6, hasMoreAddresses: hasMoreAddresses)
        var orders = EveryOrder { AttemptOrder(script) }
        orders.search(5)
        orders.search(4, after: [.start, .connected])
        #expect(orders.faults == [])
        #expect(orders.ends.isSuperset(of: ["attach", "sessionGone", "unreachable"]))
        // The last address has the word; where there are more, only the one that the attempt could not connect to.
        #expect(orders.ends.contains("sessionElsewhere"))
        #expect(orders.ends.contains("closed"))
    }

    @Test(arguments: Seeds.some(4))
    func anAttemptOverManyAddressesEndsOnceInALongOrderOfInputs(seed: UInt64) throws {
        let script = try AttemptScript(connections: 50, hasMoreAddresses: true)
        var orders = EveryOrder { AttemptOrder(script) }
        orders.wander(20_000, seed: seed)
        #expect(orders.faults == [], "SEED=\(seed)")
        #expect(orders.ends.isSuperset(of: ["attach", "sessionGone"]), "SEED=\(seed)")
    }
}

/// The inputs of an attempt, made once.
private final class AttemptScript {
    let hasMoreAddresses: Bool
    /// A request for each connection, and the right answer to it.
    let connections: [(request: ClientResumption, answer: [UInt8])]
    let noSession = Reject.message(.noSession)

    init(connections count: UInt64, hasMoreAddresses: Bool) throws {
        self.hasMoreAddresses = hasMoreAddresses
        connections = try (1...count).map { attempt in
            let request = try ResumptionAttemptBench.request(attempt)
            let proof = try ResumptionAttemptBench.proof.get()
            return (request, try ResumptionAttemptBench.answer(to: request, with: proof))
        }
    }
}

/// An attempt and the rules for what it may answer.
private struct AttemptOrder: OrderSubject {
    enum Input: CaseIterable {
        case start
        /// To the server that had the session.
        case connected
        /// To another server.
        case connectedElsewhere
        case connectingFailed
        case answer
        /// The answer to the request before.
        case stale
        case noSession
        case part
        case garbage
        case closed
    }

    private let script: AttemptScript
    private var machine = ResumptionAttemptStateMachine()
    private(set) var end: String?
    /// Whether the machine has asked for a connection that is not there yet.
    private var isConnecting = false
    /// Whether a request is on its way.
    private var isAsking = false
    private var isSessionsServer = false
    /// The number of requests that were sent.
    private var requestCount = 0
    private var hasPart = false

    init(_ script: AttemptScript) {
        self.script = script
    }

    func allows(_ input: Input) -> Bool {
        // The script has no request for more connections.
        !input.isConnection || requestCount < script.connections.count
    }

    mutating func feed(_ input: Input) -> String? {
        let wasConnecting = isConnecting
        let wasAsking = isAsking
        let actions = give(input).map(\.seen)
        if end != nil { return actions.isEmpty && machine.isOver ? nil : "an ended attempt answers" }
        switch input {
        case .connected, .connectedElsewhere:
            if wasConnecting { isSessionsServer = input == .connected }
            if wasConnecting == actions.isEmpty { return "a connection is not taken when it is due" }
        case .connectingFailed:
            if wasConnecting == actions.isEmpty { return "a failure to connect is not taken when it is due" }
        case .answer, .stale, .noSession, .garbage, .part:
            if !wasAsking, !actions.isEmpty { return "an attempt hears without a connection" }
            let isDecisive = input != .part || hasPart
            if wasAsking, isDecisive, actions.isEmpty { return "an attempt ignores an answer" }
            if wasAsking { hasPart = true }
        case .start, .closed: break
        }
        let mayConnect = input == .start || script.hasMoreAddresses
        for (index, action) in actions.enumerated() {
            if end != nil { return "an attempt goes on after its last action" }
            let before = index > 0 ? actions[index - 1] : nil
            if action == .connect, !mayConnect { return "the next address of a peer that has none" }
            if let rule = check(action, after: before, input) { return rule }
        }
        return machine.isOver == (end != nil) ? nil : "an attempt ends without saying so"
    }

    private mutating func give(_ input: Input) -> [ResumptionAttemptStateMachine.Action] {
        switch input {
        case .start: return machine.start()
        case .connected, .connectedElsewhere:
            let request = script.connections[requestCount].request
            return machine.connected(request, isSessionsServer: input == .connected)
        case .connectingFailed: return machine.connectingFailed(.unreachable("connect"))
        case .answer: return receive(script.connections[max(0, requestCount - 1)].answer)
        case .stale: return receive(script.connections[requestCount > 1 ? requestCount - 2 : 1].answer)
        case .noSession: return receive(script.noSession)
        case .part: return receive(Array(HandshakeFrame.magic))
        case .garbage: return receive(HandshakePeople.garbage)
        case .closed: return machine.failed(.closed, hasMoreAddresses: script.hasMoreAddresses)
        }
    }

    private mutating func receive(_ bytes: [UInt8]) -> [ResumptionAttemptStateMachine.Action] {
        let hasMore = script.hasMoreAddresses
        return bytes.withUnsafeBytes { machine.received($0, hasMoreAddresses: hasMore) }
    }
}

// MARK: - Rules

extension AttemptOrder {
    /// The rule that an action breaks.
    private mutating func check(
        _ action: ResumptionAttemptBench.Seen,
        after before: ResumptionAttemptBench.Seen?,
        _ input: Input
    ) -> String? {
        switch action {
        case .connect:
            // Two connections at a time would both be the session's.
            if isConnecting || isAsking { return "a second connection" }
            isConnecting = true
            return before == .close || input == .start ? nil : "a connection that nothing made room for"
        case .startDeadline: return input.isConnection ? nil : "a time limit starts in the middle"
        case .send(let message):
            if !isConnecting || isAsking || before != .startDeadline { return "a request that is not due" }
            isConnecting = false
            isAsking = true
            hasPart = false
            let request = script.connections[requestCount].request
            requestCount += 1
            return message == request.message ? nil : "a request of another connection"
        case .close:
            // Before its request a connection fails if this end has no random bytes.
            isConnecting = false
            isAsking = false
            return nil
        case .attach(let peerReceived, let received):
            end = "attach"
            let isRight = peerReceived == ResumptionAttemptBench.peerReceived && received.isEmpty
            return isAsking && isRight && input == .answer ? nil : "a link that is not proved"
        case .fail(let failure):
            end = Mirror(reflecting: failure).children.first?.label ?? "\(failure)"
            if failure == .sessionGone {
                return input == .noSession && isSessionsServer ? nil : "a server without the session ends it"
            }
            let isLast = !script.hasMoreAddresses || input == .connectingFailed
            return isLast ? nil : "an address is not tried"
        }
    }
}

extension AttemptOrder.Input {
    fileprivate var isConnection: Bool { self == .connected || self == .connectedElsewhere }
}
