import Basics
import CryptoPrimitives
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore
@testable import SecureLink

/// An accepted link that gets every input in every order.
@Suite struct LinkAcceptanceStateMachineOrderTests {
    private static let admissions: [HandshakeGate.Admission] = [
        .anything, .sessionsOnly(loginAfterSeconds: 16), .nothing("busy"),
    ]

    @Test(arguments: admissions)
    func aLinkEndsOnceAndIsSilentThenInEveryOrderOfInputs(admission: HandshakeGate.Admission) throws {
        let script = try AcceptanceScript(admission)
        var orders = EveryOrder { AcceptanceOrder(script) }
        orders.search(4)
        orders.search(4, after: [.admitted])
        #expect(orders.faults == [])
        let hasPlace = admission != .nothing("busy")
        #expect(orders.ends.contains("resume") == hasPlace)
        #expect(orders.ends.contains("no-session"))
        #expect(orders.ends.contains("password") == (admission == .anything))
    }

    @Test(arguments: [
        [AcceptanceOrder.Input.hello, .computed], [.hello], [.query], [.query, .hello], [.sessionHello],
    ])
    func aHandshakeThatIsUnderWayEndsOnceInEveryOrderOfInputs(
        beginning: [AcceptanceOrder.Input]
    ) throws {
        let script = try AcceptanceScript(.anything, asksForRealm: beginning.contains(.query))
        var orders = EveryOrder { AcceptanceOrder(script) }
        orders.search(4, after: [.admitted] + beginning)
        #expect(orders.faults == [])
        #expect(orders.ends.contains(beginning == [.sessionHello] ? "resume" : "establish"))
    }

    @Test(arguments: Seeds.some(4))
    func aLinkEndsOnceInALongOrderOfInputs(seed: UInt64) throws {
        let script = try AcceptanceScript(.anything, asksForRealm: seed % 2 == 0)
        var orders = EveryOrder { AcceptanceOrder(script) }
        orders.wander(20_000, seed: seed)
        #expect(orders.faults == [], "SEED=\(seed)")
        #expect(orders.ends.contains("timeout"), "SEED=\(seed)")
    }
}

/// The inputs of a link, made once.
final class AcceptanceScript {
    let admission: HandshakeGate.Admission
    let people: HandshakePeople
    let query: [UInt8]
    let hello: [UInt8]
    /// The right proof for `hello`, after `query` if the client asks for the realm.
    let finish: [UInt8]
    let sessionHello: [UInt8]
    let products: ExchangeProducts?

    init(_ admission: HandshakeGate.Admission, asksForRealm: Bool = false) throws {
        self.admission = admission
        people = try .shared()
        sessionHello = try AcceptanceBench.sessionHello().message
        query = try AcceptanceBench().query()
        let link = try AcceptanceBench(at: asksForRealm ? .sentRetry : .listening)
        hello = asksForRealm ? try link.secondHello() : try link.hello()
        link.received(hello)
        products = try link.products()
        try link.computed()
        finish = try link.finish()
    }
}

/// A link and the rules for what it may answer.
final class AcceptanceOrder: OrderSubject {
    enum Input: CaseIterable {
        case admitted
        case query
        case hello
        case finish
        case sessionHello
        /// The first bytes of any message.
        case part
        case garbage
        case computed
        /// The client's share cancelled out.
        case computedNothing
        case overloaded
        case closed
        case timedOut
        case failed
        /// The link has become a session or was handed over; forbidden before that.
        case settled
    }

    private let script: AcceptanceScript
    private var machine = LinkAcceptanceStateMachine()
    private(set) var end: String?
    private var now = AcceptanceBench.start
    /// The time limit of the whole handshake; `nil` before the link is admitted.
    private var endsAt: Instant?
    private var isComputing = false
    private var hasComputed = false
    private var hasBytes = false
    /// Whether the client has the server's proof and has not given its own.
    private var owesProof = false
    /// The end that the link comes to when it is settled.
    private var settles: String?

    init(_ script: AcceptanceScript) {
        self.script = script
    }

    func allows(_ input: Input) -> Bool {
        input != .settled || (settles != nil && end == nil)
    }

    func feed(_ input: Input) -> String? {
        // Time passes, so that no two moments are taken for each other.
        now = now + .milliseconds(1)
        if input == .settled {
            machine.settled()
            end = settles
            return machine.isOver ? nil : "a link that is settled is not over"
        }
        let isFirst = endsAt == nil && end == nil && input == .admitted
        let isAwaited = isComputing && input.isResult
        let actions = give(input)
        if end != nil { return actions.isEmpty && machine.isOver ? nil : "an ended link answers" }
        if input == .admitted, !isFirst, !actions.isEmpty { return "a link is admitted twice" }
        if input.isResult, isAwaited == actions.isEmpty { return "a result is not taken when it is due" }
        if input.isMessage {
            let isHeard = endsAt != nil && !isComputing && settles == nil
            if !isHeard, !actions.isEmpty { return "a link hears what it must not read" }
            if isHeard { hasBytes = true }
        }
        if isAwaited { isComputing = false }
        for (index, action) in actions.enumerated() {
            if end != nil { return "a link goes on after its last action" }
            if let rule = check(action, input, Array(actions[index...].dropFirst())) { return rule }
        }
        return machine.isOver == (end != nil) ? nil : "a link ends without saying so"
    }

    private func give(_ input: Input) -> [LinkAcceptanceStateMachine.Action] {
        switch input {
        case .admitted:
            let timeout = AcceptanceBench.timeout
            return machine.admitted(script.admission, script.people.server(), at: now, timeout: timeout)
        case .query: return receive(script.query)
        case .hello: return receive(script.hello)
        case .finish: return receive(script.finish)
        case .sessionHello: return receive(script.sessionHello)
        case .part: return receive(Array(HandshakeFrame.magic))
        case .garbage: return receive(HandshakePeople.garbage)
        case .computed: return machine.computed(script.products)
        case .computedNothing: return machine.computed(nil)
        case .overloaded: return machine.isOverloaded()
        case .closed: return machine.closed()
        case .timedOut: return machine.timedOut()
        case .failed: return machine.failed(.noSession)
        case .settled: return []
        }
    }

    private func receive(_ bytes: [UInt8]) -> [LinkAcceptanceStateMachine.Action] {
        bytes.withUnsafeBytes { machine.received($0, at: now) }
    }
}

// MARK: - Rules

extension AcceptanceOrder {
    /// The rule that an action breaks, with what follows it.
    private func check(
        _ action: LinkAcceptanceStateMachine.Action,
        _ input: Input,
        _ rest: [LinkAcceptanceStateMachine.Action]
    ) -> String? {
        if settles != nil {
            // Only a failure of this end, or an end that the caller does not report by then.
            switch action {
            case .send, .refuse: break
            default: return "a link that is to be settled goes on"
            }
        }
        switch action {
        case .setDeadline(let moment):
            if input == .admitted { endsAt = moment }
            guard let endsAt else { return "a time limit before the link is admitted" }
            return moment <= endsAt && moment >= now ? nil : "a time limit outside of the handshake's"
        case .listen: return input == .admitted ? nil : "a link listens twice"
        case .read: return input == .computed ? nil : "a link reads again that was not paused"
        case .pause:
            return rest.contains { if case .compute = $0 { true } else { false } }
                ? nil : "a pause without a computation"
        case .compute(_, let tag):
            let isRight = !hasComputed && script.admission == .anything && endsAt != nil
            isComputing = true
            hasComputed = true
            return isRight && tag == script.people.alice.tag.bytes ? nil : "a computation that is not due"
        case .send(let message): return check(message, input, rest)
        case .establish:
            settles = "establish"
            owesProof = false
            let isRight = input == .finish && hasComputed && script.admission == .anything
            return isRight && rest.isEmpty ? nil : "a session without a proof"
        case .resume:
            settles = "resume"
            return input == .sessionHello && !hasComputed && rest.isEmpty ? nil : "a session is not asked for"
        case .refuse(let refusal):
            end = refusal.reason
            return check(refusal, input)
        }
    }

    private func check(
        _ message: [UInt8],
        _ input: Input,
        _ rest: [LinkAcceptanceStateMachine.Action]
    ) -> String? {
        switch HandshakeKind(rawValue: message[5]) {
        case .reject:
            // A Reject is the last message, and none follows it.
            if case .refuse = rest.first { return nil }
            return "a Reject does not end the link"
        case .retry: return script.admission == .anything ? nil : "a login is served where none is"
        case .serverHello:
            owesProof = true
            if case .read = rest.first, input == .computed { return nil }
            return "a proof that nobody asked for"
        default: return "a message of the client's"
        }
    }

    private func check(_ refusal: LinkAcceptanceStateMachine.Refusal, _ input: Input) -> String? {
        let isGuess = owesProof || input == .computedNothing
        if (refusal.outcome == .wrongGuess) != isGuess { return "a guess is counted wrong" }
        if isGuess != (refusal.reason == "password") { return "a refusal names the wrong reason" }
        let isSilence = input == .closed && !hasBytes
        if (refusal.outcome == .silence) != isSilence { return "silence is counted wrong" }
        if refusal.outcome == .timeout, input != .timedOut { return "a time limit that did not pass" }
        if refusal.outcome == .garbage, !input.isMessage { return "garbage that nobody sent" }
        return nil
    }
}

extension AcceptanceOrder.Input {
    fileprivate var isMessage: Bool {
        switch self {
        case .query, .hello, .finish, .sessionHello, .part, .garbage: true
        default: false
        }
    }

    fileprivate var isResult: Bool { self == .computed || self == .computedNothing }
}
