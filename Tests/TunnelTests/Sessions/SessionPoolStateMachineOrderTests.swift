import Basics
import ProtocolCoreTesting
import Testing

@testable import Tunnel

/// A pool that gets every input in every order; one case at a time, because the cases share their sessions.
@Suite(.serialized) struct SessionPoolStateMachineOrderTests {
    @Test(arguments: [(true, true), (true, false), (false, true)])
    func aPoolKeepsItsRulesAfterEverySequenceOfInputs(usesShared: Bool, usesExclusive: Bool) {
        let search = EverySequence(
            from: WatchedPool(shared: usesShared, exclusive: usesExclusive),
            WatchedPool.Input.all,
            upTo: 5
        ) { $0.feed($1) }
        #expect(search.faults == [])
        #expect(search.stateCount > 500)
    }
}

/// A pool, and what its answers have been.
private struct WatchedPool: CustomStringConvertible {
    enum Input {
        case add(Int)
        case remove(Int)
        case streamEnded(Int)
        case openShared, openExclusive, chosenRefuses
        case streamsWait, noneWaits, makeReady, makeReadyLater, dialSucceeded, dialFailed, waited, drain,
            surplus

        static let all: [Input] =
            WatchedPool.sessions.indices.flatMap { [.add($0), .remove($0), .streamEnded($0)] } + [
                .openShared, .openExclusive, .chosenRefuses, .streamsWait, .noneWaits, .makeReady,
                .makeReadyLater,
                .dialSucceeded, .dialFailed, .waited, .drain, .surplus,
            ]
    }

    private static let now = Instant.seconds(1000)
    /// A good one, one at its limit, one that has been silent, one that is spent.
    nonisolated(unsafe) fileprivate static let sessions: [FakeSession] = {
        let all = ["good", "full", "silent", "spent"].map { FakeSession($0, lastReceived: now) }
        all[1].canOpen = false
        all[2].lastReceived = now - .seconds(31)
        all[3].spend()
        return all
    }()

    private var machine: FakePool
    private let usesExclusive: Bool
    /// The sessions in the pool.
    private var members: Set<Int> = []
    /// The streams of each session.
    private var streams = [Int](repeating: 0, count: 4)
    /// Sessions that were chosen for a stream that has none beside it.
    private var taken: Set<Int> = []
    /// Whether a dial has been begun whose result has not come.
    private var isDialling = false
    private var isWaiting = false
    private var isDrained = false

    init(shared: Bool, exclusive: Bool) {
        machine = .of(links: .fixed(2), shared: shared, exclusive: exclusive)
        usesExclusive = exclusive
    }

    var description: String {
        "\(machine) \(members.sorted()) \(streams) \(taken.sorted()) \(isDialling) \(isWaiting) \(isDrained)"
    }

    /// - Returns: the rule that the machine broke.
    mutating func feed(_ input: Input) -> String? {
        // Sessions are shared by all pools of the search.
        for (session, count) in zip(Self.sessions, streams) { session.streamCount = count }
        if let rule = act(input) { return rule }
        let names = machine.sessions.map(\.name)
        if names.count != Set(names).count { return "a session is there twice" }
        if machine.count != members.count || names.count != members.count { return "\(names) for \(members)" }
        if machine.isDrained != isDrained { return "isDrained is \(machine.isDrained)" }
        return nil
    }

    private mutating func act(_ input: Input) -> String? {
        switch input {
        case .add(let index):
            guard members.insert(index).inserted else { return nil }
            machine.add(Self.sessions[index], othersNeed: 0, at: Self.now)
        case .remove(let index):
            members.remove(index)
            streams[index] = 0
            taken.remove(index)
            machine.remove(Self.sessions[index])
        case .streamEnded(let index): return streamEnded(on: index)
        case .openShared: return open(exclusive: false)
        case .openExclusive: return open(exclusive: true)
        case .chosenRefuses:
            guard case .open(let session) = machine.choose(exclusive: true, at: Self.now) else { return nil }
            machine.refused(session)
        case .streamsWait: machine.waiting(exclusive: 3)
        case .noneWaits: machine.waiting(exclusive: 0)
        case .makeReady: return makeReady(.zero)
        case .makeReadyLater: return makeReady(.seconds(1))
        case .dialSucceeded:
            machine.dialSucceeded()
            isDialling = false
        case .dialFailed:
            var random = SplitMix(seed: 1)
            let isExpected = isDialling && !isDrained
            isDialling = false
            if (machine.dialFailed(using: &random) != .nothing) != isExpected { return "waits after no dial" }
            isWaiting = isExpected || isWaiting
        case .waited:
            machine.waited()
            isWaiting = false
        case .drain:
            machine.drain()
            isDrained = true
        case .surplus: return surplus()
        }
        return nil
    }

    private mutating func open(exclusive: Bool) -> String? {
        switch machine.choose(exclusive: exclusive, at: Self.now) {
        case .open(let session):
            guard let index = Self.sessions.firstIndex(where: { $0 === session }) else {
                return "unknown session"
            }
            if isDrained { return "opens while it drains" }
            if !members.contains(index) { return "a session that is over carries a stream" }
            if !session.canOpen { return "a session that cannot open carries a stream" }
            if taken.contains(index) || (exclusive && streams[index] > 0) {
                return "two streams share a session"
            }
            if exclusive, session.lastReceived < Self.now - .seconds(30) {
                return "a silent session is chosen"
            }
            if exclusive { taken.insert(index) }
            streams[index] += 1
        case .wait(let pings):
            if !exclusive || isDrained, !pings.isEmpty { return "pings for nothing" }
            if pings.contains(where: { session in taken.contains { Self.sessions[$0] === session } }) {
                return "pings a session that carries a stream"
            }
        }
        return nil
    }

    private mutating func streamEnded(on index: Int) -> String? {
        guard streams[index] > 0 else { return nil }
        streams[index] -= 1
        taken.remove(index)
        Self.sessions[index].streamCount = streams[index]
        let closes = machine.streamEnded(on: Self.sessions[index], at: Self.now)
        if closes, streams[index] > 0 { return "a session is closed that carries a stream" }
        if !closes, streams[index] == 0, isDrained { return "a session outlives its last stream" }
        return nil
    }

    private mutating func makeReady(_ delay: Duration) -> String? {
        let answer = machine.makeReady(othersNeed: 0, delay: delay, at: Self.now)
        guard answer != .nothing else { return nil }
        if isDrained { return "\(answer) while it drains" }
        if isDialling || isWaiting { return "\(answer) while it dials or waits" }
        if answer == .dial { isDialling = true } else { isWaiting = true }
        if (answer == .dial) != (delay == .zero) { return "\(answer) after \(delay)" }
        return nil
    }

    private func surplus() -> String? {
        let (closes, need) = machine.surplus(othersNeed: 0, at: Self.now)
        if Set(closes.map(\.name)).count != closes.count { return "closes a session twice" }
        if closes.contains(where: { $0.streamCount > 0 }) { return "closes a session that carries a stream" }
        if isDrained, need > 0 { return "needs sessions while it drains" }
        return nil
    }
}
