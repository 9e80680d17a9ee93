import Basics
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

@Suite struct SendSchedulerTests {
    @Test func bulkStreamsDifferByAtMostTwoQuanta() {
        var bench = Bench(quantum: 1000)
        let slots = (0..<7).map { _ in bench.stream(ready: true) }
        var sent = [Int](repeating: 0, count: 7)
        for turn in 0..<5000 {
            guard let (slot, allowance) = bench.scheduler.next(in: &bench.streams) else {
                Issue.record("no stream at turn \(turn)")
                return
            }
            // Some streams use their whole turn and some a part of it, depending on the record sizes.
            let count = min(allowance, 300 + slot * 100)
            sent[slot] += count
            bench.scheduler.charge(slot, count, in: &bench.streams)
            guard turn > 100 else { continue }
            let served = slots.map { sent[$0] }
            #expect((served.max() ?? 0) - (served.min() ?? 0) <= 2 * 1000)
        }
    }

    @Test func aSmallRestOfATurnIsCarriedOver() {
        var bench = Bench(quantum: 1000)
        let slots = (0..<3).map { _ in bench.stream(ready: true) }
        var sent: [Int: Int] = [:]
        for _ in 0..<3000 {
            let next = bench.scheduler.next(in: &bench.streams)
            #expect((next?.allowance ?? 0) > 1000 / 8)
            // This count does not divide the quantum.
            let count = min(next?.allowance ?? 0, 970)
            sent[next?.slot ?? -1, default: 0] += count
            bench.scheduler.charge(next?.slot ?? 0, count, in: &bench.streams)
        }
        #expect(Set(sent.keys) == Set(slots))
        #expect((sent.values.max() ?? 0) - (sent.values.min() ?? 0) <= 2 * 1000)
    }

    @Test func theQuantumIsHalfOfALargeTurnAndNeverBelowItsMinimum() {
        var bench = Bench(quantum: 1000)
        _ = (0..<3).map { _ in bench.stream(ready: true) }
        for (turn, quantum) in [(0, 1000), (1500, 1000), (8000, 4000), (2400, 1200), (0, 1000)] {
            bench.scheduler.prepare(for: turn)
            // Use up the earlier allowances.
            for _ in 0..<30 { bench.turn(.max) }
            let runs = (0..<9).map { _ in
                let slot = bench.scheduler.next(in: &bench.streams)?.slot ?? -1
                var sent = 0
                while let next = bench.scheduler.next(in: &bench.streams), next.slot == slot {
                    sent += min(next.allowance, 100)
                    bench.scheduler.charge(slot, min(next.allowance, 100), in: &bench.streams)
                }
                return sent
            }
            // A rest of an eighth of the quantum or less is carried over to the next turn.
            #expect(runs.allSatisfy { abs($0 - quantum) <= quantum / 8 + 100 }, "\(turn): \(runs)")
        }
    }

    @Test func aFreshStreamOvertakesAnyNumberOfBulkStreams() {
        var bench = Bench(quantum: 1000)
        for _ in 0..<50 { _ = bench.stream(ready: true) }
        for _ in 0..<500 { bench.turn(1000) }
        let question = bench.stream(ready: true)
        #expect(bench.turn(40) == question)
        bench.setReady(question, false)
        #expect(bench.turn(1000) != question)
    }

    @Test func aStreamThatWasFreshIsNotFreshAgainAtOnce() {
        var bench = Bench(quantum: 1000)
        let bulk = bench.stream(ready: true)
        let other = bench.stream(ready: true)
        for _ in 0..<20 { bench.turn(1000) }
        let chatty = bench.stream(ready: true)
        var turns = 0
        // It stops and starts around each of its turns, trying to count as fresh for ever.
        for _ in 0..<100 {
            let slot = bench.turn(1000)
            if slot == chatty { turns += 1 }
            bench.setReady(chatty, false)
            _ = bench.scheduler.next(in: &bench.streams)
            bench.setReady(chatty, true)
        }
        #expect(turns <= 52)
        #expect(bench.served[bulk, default: 0] > 15_000)
        #expect(bench.served[other, default: 0] > 15_000)
    }

    @Test func noStreamStarvesAmongManyStreams() {
        var bench = Bench(quantum: 100)
        let slots = (0..<300).map { _ in bench.stream(ready: true) }
        var last: [Int: Int] = [:]
        for turn in 0..<3000 {
            // The turn is longer than the quantum, because the smallest record is.
            let slot = bench.turn(150)
            last[slot] = turn
        }
        #expect(slots.allSatisfy { (last[$0] ?? 0) >= 3000 - 2 * 300 })
    }

    @Test func aLoneStreamIsNotLimitedAndPaysForAtMostOneRound() {
        var bench = Bench(quantum: 1000)
        let alone = bench.stream(ready: true)
        let turn = bench.scheduler.next(in: &bench.streams)
        #expect(turn?.slot == alone)
        #expect(turn?.allowance == .max)
        bench.scheduler.charge(alone, 1 << 40, in: &bench.streams)
        let second = bench.stream(ready: true)
        for _ in 0..<3 { bench.turn(1000) }
        #expect(bench.served[alone, default: 0] >= 1000)
        #expect(bench.served[second, default: 0] >= 1000)
    }

    @Test func aStreamWithoutCreditLeavesAndReturnsBehindTheOthers() {
        var bench = Bench(quantum: 1000)
        let first = bench.stream(ready: true, credit: 0)
        let second = bench.stream(ready: true)
        bench.scheduler.rejoin(first, in: &bench.streams)
        #expect(bench.turn(10) == second)
        expect(bench.streams[first].sendWindow.raise(to: 500))
        bench.scheduler.rejoin(first, in: &bench.streams)
        bench.scheduler.rejoin(first, in: &bench.streams)
        #expect(bench.scheduler.count == 2)
        for _ in 0..<400 { bench.turn(10) }
        #expect((1000...3000).contains(bench.served[first, default: 0]))
    }

    @Test func aQuantumOfZeroStillServesEveryStream() {
        var bench = Bench(quantum: 0)
        for _ in 0..<3 { _ = bench.stream(ready: true) }
        for _ in 0..<9 { bench.turn(1) }
        #expect(bench.served.count == 3)
    }

    @Test(arguments: Seeds.some(20)) func aRandomHistoryMatchesTwoSimpleQueues(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var bench = Bench(quantum: Int.random(in: 1...2000, using: &random))
        var oracle = SimpleQueues(quantum: bench.scheduler.quantum)
        for step in 0..<2000 {
            switch Int.random(in: 0..<9, using: &random) {
            case 0:
                let slot = bench.add(ready: random.chance(80))
                oracle.add(slot, canSend: bench.streams[slot].canSend)
            case 1:
                guard let slot = bench.slots.randomElement(using: &random) else { continue }
                bench.scheduler.leave(slot, in: &bench.streams)
                oracle.leave(slot)
                if random.chance(30) { bench.remove(slot) }
            case 2:
                guard let slot = bench.slots.randomElement(using: &random) else { continue }
                bench.streams[slot].isReady.toggle()
                oracle.canSend[slot] = bench.streams[slot].canSend
            case 3:
                guard let slot = bench.slots.randomElement(using: &random) else { continue }
                bench.scheduler.rejoin(slot, in: &bench.streams)
                oracle.rejoin(slot)
            case 4:
                guard let slot = bench.slots.randomElement(using: &random) else { continue }
                bench.scheduler.join(slot, in: &bench.streams)
                oracle.join(slot)
            default:
                let turn = bench.scheduler.next(in: &bench.streams)
                let expected = oracle.next()
                #expect(turn?.slot == expected?.slot)
                #expect(turn?.allowance == expected?.allowance)
                guard let turn else { continue }
                let count = Int.random(in: 0...3000, using: &random)
                bench.scheduler.charge(turn.slot, count, in: &bench.streams)
                oracle.charge(turn.slot, count)
            }
            if step % 10 == 0 { bench.expectIntegrity() }
            #expect(bench.scheduler.count == oracle.fresh.count + oracle.waiting.count)
        }
    }
}

/// A scheduler with its streams.
private struct Bench {
    var scheduler: SendScheduler
    var streams = StreamTable()
    var served: [Int: Int] = [:]
    private(set) var slots: [Int] = []
    private var nextID: UInt32 = 1

    init(quantum: Int) {
        scheduler = SendScheduler(quantum: quantum)
    }

    mutating func add(ready: Bool, credit: UInt64 = .max) -> Int {
        var stream = SessionStream.vacant
        stream.isReady = ready
        stream.sendWindow = SendWindow(limit: credit)
        let named = SessionStream(
            id: StreamID(rawValue: nextID),
            isOurs: true,
            openedAt: Instant(nanoseconds: 0),
            sendWindow: stream.sendWindow,
            receiveWindow: ReceiveWindow(size: 0)
        )
        nextID += 2
        let slot = streams.insert(named).slot
        streams[slot].isReady = ready
        slots.append(slot)
        return slot
    }

    mutating func stream(ready: Bool, credit: UInt64 = .max) -> Int {
        let slot = add(ready: ready, credit: credit)
        if streams[slot].canSend { scheduler.join(slot, in: &streams) }
        return slot
    }

    mutating func setReady(_ slot: Int, _ isReady: Bool) {
        streams[slot].isReady = isReady
        if streams[slot].canSend { scheduler.join(slot, in: &streams) }
    }

    mutating func remove(_ slot: Int) {
        streams.remove(StreamHandle(id: streams[slot].id, slot: slot))
        slots.removeAll { $0 == slot }
    }

    @discardableResult
    mutating func turn(_ count: Int) -> Int {
        guard let (slot, allowance) = scheduler.next(in: &streams) else { return -1 }
        let sent = max(1, min(count, allowance))
        served[slot, default: 0] += sent
        scheduler.charge(slot, sent, in: &streams)
        return slot
    }

    /// Expects that both lists are linked correctly in both directions and hold exactly the streams that are marked as theirs.
    func expectIntegrity() {
        let listed = slots.filter { streams[$0].turn.list != .none }
        #expect(listed.count == scheduler.count)
        for list in [SendScheduler.List.fresh, .waiting] {
            let members = listed.filter { streams[$0].turn.list == list }
            let heads = members.filter { streams[$0].turn.previous < 0 }
            #expect(heads.count == (members.isEmpty ? 0 : 1))
            guard var slot = heads.first else { continue }
            var walked = 1
            while streams[slot].turn.next >= 0, walked <= members.count {
                let next = streams[slot].turn.next
                #expect(streams[next].turn.previous == slot)
                #expect(streams[next].turn.list == list)
                slot = next
                walked += 1
            }
            #expect(walked == members.count)
        }
    }
}

/// The same rules on two arrays, slow and simple.
private struct SimpleQueues {
    var fresh: [Int] = []
    var waiting: [Int] = []
    var canSend: [Int: Bool] = [:]
    private var deficit: [Int: Int] = [:]
    private let quantum: Int

    init(quantum: Int) {
        self.quantum = quantum
    }

    mutating func add(_ slot: Int, canSend: Bool) {
        self.canSend[slot] = canSend
        deficit[slot] = 0
    }

    private func isListed(_ slot: Int) -> Bool { fresh.contains(slot) || waiting.contains(slot) }

    mutating func join(_ slot: Int) {
        guard !isListed(slot) else { return }
        deficit[slot] = quantum
        fresh.append(slot)
    }

    mutating func rejoin(_ slot: Int) {
        guard !isListed(slot) else { return }
        waiting.append(slot)
    }

    mutating func leave(_ slot: Int) {
        fresh.removeAll { $0 == slot }
        waiting.removeAll { $0 == slot }
    }

    mutating func charge(_ slot: Int, _ count: Int) {
        deficit[slot] = max(deficit[slot, default: 0] - count, -quantum)
    }

    mutating func next() -> (slot: Int, allowance: Int)? {
        while let slot = fresh.first ?? waiting.first {
            if canSend[slot] != true {
                let waits = fresh.first == slot && !waiting.isEmpty
                leave(slot)
                if waits { waiting.append(slot) }
            } else if fresh.count + waiting.count == 1 {
                return (slot, .max)
            } else if deficit[slot, default: 0] > quantum / 8 {
                return (slot, deficit[slot, default: 0])
            } else {
                deficit[slot, default: 0] += quantum
                leave(slot)
                waiting.append(slot)
            }
        }
        return nil
    }
}
