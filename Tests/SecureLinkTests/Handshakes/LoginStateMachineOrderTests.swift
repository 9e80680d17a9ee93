import CryptoPrimitives
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore
@testable import SecureLink

/// A login that gets every input in every order.
@Suite struct LoginStateMachineOrderTests {
    @Test(arguments: [true, false], [true, false])
    func aLoginEndsOnceAndIsSilentThenInEveryOrderOfInputs(
        hasCredential: Bool,
        hasMoreAddresses: Bool
    ) throws {
        let script = try LoginScript(hasCredential: hasCredential, hasMoreAddresses: hasMoreAddresses)
        var orders = EveryOrder { LoginOrder(script) }
        orders.search(5)
        #expect(orders.faults == [])
        #expect(orders.ends.contains("establish") == hasCredential)
        #expect(orders.ends.contains("passwordRefused"))
        #expect(orders.ends.contains("timeout") != hasMoreAddresses)
    }

    @Test(arguments: [true, false])
    func aLoginThatHasStretchedEndsOnceInEveryOrderOfInputs(hasMoreAddresses: Bool) throws {
        let script = try LoginScript(hasCredential: false, hasMoreAddresses: hasMoreAddresses)
        var orders = EveryOrder { LoginOrder(script) }
        orders.search(4, after: [.start, .connected, .retry, .stretched])
        #expect(orders.faults == [])
        #expect(orders.ends.contains("establish"))
    }

    @Test(arguments: Seeds.some(4))
    func aLoginOverManyAddressesEndsOnceInALongOrderOfInputs(seed: UInt64) throws {
        let script = try LoginScript(hasCredential: seed % 2 == 0, hasMoreAddresses: true)
        var orders = EveryOrder { LoginOrder(script) }
        orders.wander(20_000, seed: seed)
        #expect(orders.faults == [], "SEED=\(seed)")
        #expect(orders.ends.contains("passwordRefused"), "SEED=\(seed)")
    }
}

/// The inputs of a login, made once.
private final class LoginScript {
    let hasCredential: Bool
    let hasMoreAddresses: Bool
    let people: HandshakePeople
    let share: ProverShare
    /// Asks for another hello.
    let retry: [UInt8]
    /// The right answer to the login's first hello if it has a credential, and to its second one otherwise.
    let serverHello: [UInt8]
    let refusal = Reject.message(.authentication)
    let products: ExchangeProducts?

    init(hasCredential: Bool, hasMoreAddresses: Bool) throws {
        self.hasCredential = hasCredential
        self.hasMoreAddresses = hasMoreAddresses
        people = try .shared()
        share = try people.share(people.alice)
        var server = people.server()
        var client = people.client()
        var hello = client.begin(with: nil)
        retry = try #require(try server.reply(to: hello))
        if hasCredential {
            server = people.server()
            client = people.client()
            hello = client.begin(with: (people.alice, share))
        } else {
            _ = try retry.withUnsafeBytes { try client.receive($0) }
            hello = client.continue(with: people.alice, share: share)
        }
        serverHello = try #require(try server.reply(to: hello))
        guard case .prove(let job) = try serverHello.withUnsafeBytes({ try client.receive($0).step }) else {
            throw HandshakeFault.unexpectedMessage
        }
        products = try job.run()
    }
}

/// A login and the rules for what it may answer.
private final class LoginOrder: OrderSubject {
    enum Input: CaseIterable {
        case start
        case connected
        case retry
        case serverHello
        case garbage
        case refusal
        case stretched
        case shared
        case proved
        /// Results of all jobs, for an earlier address.
        case stale
        case timedOut
    }

    /// Work that the machine asks for.
    fileprivate struct Work: OptionSet {
        let rawValue: Int
        static let share = Work(rawValue: 1)
        static let connect = Work(rawValue: 2)
        static let stretch = Work(rawValue: 4)
        static let prove = Work(rawValue: 8)
    }

    private let script: LoginScript
    private var machine: LoginStateMachine
    private(set) var end: String?
    /// The work that the machine has asked for at this address.
    private var asked: Work = []
    /// The part of it that is not done.
    private var open: Work = []
    private var messageCount = 0
    private var hasNotedRefusal = false

    init(_ script: LoginScript) {
        self.script = script
        machine = LoginStateMachine(
            LoginStateMachine.Settings(
                suites: [.encrypted],
                parameters: SessionParameters(),
                pinnedRealm: nil
            )
        )
    }

    private var isConnected: Bool { asked.contains(.connect) && !open.contains(.connect) }

    func allows(_ input: Input) -> Bool { true }

    func feed(_ input: Input) -> String? {
        let attempt = machine.attempt
        let hadEnded = end != nil
        let wasConnected = isConnected
        let actions = give(input, attempt)
        if hadEnded { return actions.isEmpty && machine.isOver ? nil : "an ended login answers" }
        if let work = input.result {
            let isAwaited = open.remove(work) != nil
            if isAwaited, actions.isEmpty { return "a login ignores what it has asked for" }
            if !isAwaited, !actions.isEmpty { return "a login takes what it has not asked for" }
        }
        if input == .stale, !actions.isEmpty { return "a login takes what it asked for at another address" }
        if input.isMessage, !wasConnected, !actions.isEmpty { return "a login hears without a connection" }
        hasNotedRefusal = false
        var hasRetried = false
        for action in actions {
            if hasRetried || end != nil { return "a login goes on after its last action" }
            if let rule = check(action, input) { return rule }
            if case .retry = action { hasRetried = true }
        }
        if hasNotedRefusal, !hasRetried, end == nil { return "a refusal changes nothing" }
        if machine.attempt != attempt + (hasRetried ? 1 : 0) { return "an address is counted wrong" }
        return machine.isOver == (end != nil) ? nil : "a login ends without saying so"
    }

    private func give(_ input: Input, _ attempt: Int) -> [LoginStateMachine.Action] {
        let alice = script.people.alice
        let hasMore = script.hasMoreAddresses
        switch input {
        case .start: return machine.start(script.hasCredential ? alice : nil)
        case .connected: return machine.connected(random: HandshakePeople.clientRandom)
        case .retry: return receive(script.retry)
        case .serverHello: return receive(script.serverHello)
        case .garbage: return receive(HandshakePeople.garbage)
        case .refusal: return receive(script.refusal)
        case .stretched: return machine.stretched(alice, attempt: attempt)
        case .shared: return machine.shared(script.share, attempt: attempt)
        case .proved: return machine.proved(script.products, attempt: attempt, hasMoreAddresses: hasMore)
        case .stale:
            return machine.stretched(alice, attempt: attempt - 1)
                + machine.shared(script.share, attempt: attempt - 1)
                + machine.proved(script.products, attempt: attempt - 1, hasMoreAddresses: hasMore)
        case .timedOut: return machine.failed(.timeout, hasMoreAddresses: hasMore)
        }
    }

    private func receive(_ bytes: [UInt8]) -> [LoginStateMachine.Action] {
        let hasMore = script.hasMoreAddresses
        return bytes.withUnsafeBytes { machine.received($0, hasMoreAddresses: hasMore) }
    }
}

// MARK: - Rules

extension LoginOrder {
    /// The rule that an action breaks.
    private func check(_ action: LoginStateMachine.Action, _ input: Input) -> String? {
        switch action {
        case .share: return ask(.share, again: asked.contains(.stretch))
        case .connect: return ask(.connect)
        case .stretch: return ask(.stretch)
        case .prove: return ask(.prove)
        case .startDeadline: return input == .connected ? nil : "a time limit starts in the middle"
        case .send:
            messageCount += 1
            if !isConnected { return "a message without a connection" }
            return messageCount > (asked.contains(.stretch) ? 2 : 1) ? "one message too many" : nil
        case .noteRefusal:
            hasNotedRefusal = true
            return nil
        case .retry:
            if !script.hasMoreAddresses { return "the next address of a peer that has none" }
            return leave(asRefusal: false)
        case .establish:
            end = "establish"
            return input == .proved ? nil : "a session without the server's proof"
        case .fail(let failure):
            if script.hasMoreAddresses, failure.mayBeOfOneAddress { return "an address is not tried" }
            end = Mirror(reflecting: failure).children.first?.label ?? "\(failure)"
            return leave(asRefusal: failure == .passwordRefused)
        }
    }

    private func ask(_ work: Work, again: Bool = false) -> String? {
        if open.contains(work) || (asked.contains(work) && !again) { return "work is asked for twice" }
        open.insert(work)
        asked.insert(work)
        return nil
    }

    /// The connection is over.
    private func leave(asRefusal isRefusal: Bool) -> String? {
        let isDue = isRefusal || asked.contains(.stretch)
        asked = []
        open = []
        messageCount = 0
        return hasNotedRefusal == isDue ? nil : "a refusal is not noted, or one that was none"
    }
}

extension LoginOrder.Input {
    /// The work that the input is the result of.
    fileprivate var result: LoginOrder.Work? {
        switch self {
        case .connected: .connect
        case .stretched: .stretch
        case .shared: .share
        case .proved: .prove
        case .start, .retry, .serverHello, .garbage, .refusal, .stale, .timedOut: nil
        }
    }

    /// Whether the server says it.
    fileprivate var isMessage: Bool {
        switch self {
        case .retry, .serverHello, .garbage, .refusal: true
        case .start, .connected, .stretched, .shared, .proved, .stale, .timedOut: false
        }
    }
}
