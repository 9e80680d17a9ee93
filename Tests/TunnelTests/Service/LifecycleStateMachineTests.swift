import EventIO
import Platform
import Testing

@testable import Tunnel

@Suite struct LifecycleStateMachineTests {
    private static let failure = SystemFailure("socket", code: EMFILE)

    /// A process whose workers have begun.
    private func running(_ workers: Int = 2) -> LifecycleStateMachine {
        var machine = LifecycleStateMachine(workers: workers)
        for worker in 0..<workers { _ = machine.started(worker) }
        return machine
    }

    // MARK: The ordinary ways

    @Test func workersBeginTogetherAndReadinessIsReportedOnce() {
        var machine = LifecycleStateMachine(workers: 2)
        #expect(machine.started(1) == [])
        #expect(!machine.hasBegun)
        #expect(machine.started(0) == [.begin])
        #expect(machine.hasBegun)
        #expect(machine.ready(0) == [])
        #expect(machine.ready(0) == [])
        #expect(machine.ready(1) == [.reportReady])
        #expect(machine.ready(1) == [])
    }

    @Test func aProcessThatDrainsEndsWithItsLastWorker() {
        var machine = running()
        #expect(machine.drain() == [.startDraining, .drainWorkers])
        #expect(machine.drained(0) == [])
        #expect(machine.drained(0) == [])
        #expect(machine.drained(1) == [.stopWorkers])
        #expect(machine.ended(1, cutOff: false) == [])
        #expect(machine.ended(0, cutOff: false) == [.exit])
        #expect(machine.outcome == .drained)
    }

    @Test func theFirstSignalDrainsAndTheSecondOneStops() {
        var machine = running()
        #expect(machine.signalled() == [.startDraining, .drainWorkers])
        #expect(machine.signalled() == [.stopWorkers])
        #expect(machine.signalled() == [])
    }

    @Test func aSignalAfterTheLastWorkerHasDrainedChangesNothing() {
        var machine = running(1)
        _ = machine.signalled()
        #expect(machine.drained(0) == [.stopWorkers])
        #expect(machine.signalled() == [])
        #expect(machine.ended(0, cutOff: false) == [.exit])
        #expect(machine.outcome == .drained)
    }

    @Test func aStopDoesNotWaitForWorkersThatDrain() {
        var machine = running()
        _ = machine.drain()
        #expect(machine.drained(0) == [])
        #expect(machine.stop() == [.stopWorkers])
        #expect(machine.drained(1) == [])
        #expect(machine.stop() == [])
    }

    @Test func oneWorkerThatCutsSomethingOffIsEnoughToBeCutShort() {
        var machine = running()
        _ = machine.stop()
        #expect(machine.ended(0, cutOff: true) == [])
        #expect(machine.ended(1, cutOff: false) == [.exit])
        #expect(machine.outcome == .cutShort)
    }

    // MARK: Before all have begun

    @Test func aDrainBeforeAllHaveStartedWaitsUntilTheyCanHearOfIt() {
        var machine = LifecycleStateMachine(workers: 2)
        #expect(machine.started(0) == [])
        #expect(machine.drain() == [.startDraining])
        #expect(machine.drain() == [])
        #expect(machine.started(1) == [.begin, .drainWorkers])
        #expect(machine.drained(0) == [])
        #expect(machine.drained(1) == [.stopWorkers])
    }

    @Test func theSecondSignalStopsAlsoBeforeAllHaveStarted() {
        var machine = LifecycleStateMachine(workers: 2)
        #expect(machine.signalled() == [.startDraining])
        #expect(machine.signalled() == [.stopWorkers])
        #expect(machine.started(0) == [.stopWorker(0)])
        #expect(machine.started(1) == [.stopWorker(1)])
        #expect(machine.ended(0, cutOff: false) == [])
        #expect(machine.ended(1, cutOff: false) == [.exit])
        #expect(machine.outcome == .drained)
    }

    @Test func aWorkerThatCannotStartEndsTheProcess() {
        var machine = LifecycleStateMachine(workers: 2)
        #expect(machine.started(0) == [])
        #expect(machine.failed(Self.failure) == [.stopWorkers])
        #expect(machine.ended(1, cutOff: false) == [])
        #expect(machine.ended(0, cutOff: false) == [.exit])
        #expect(machine.outcome == .failed(Self.failure))
    }

    @Test func theFirstFailureIsTheOneThatIsTold() {
        var machine = LifecycleStateMachine(workers: 2)
        _ = machine.failed(Self.failure)
        #expect(machine.failed(SystemFailure("epoll", code: ENOMEM)) == [])
        #expect(machine.outcome == .failed(Self.failure))
    }

    /// Nothing listens any more; a program that hears "ready" would bring a visitor.
    @Test func aProcessThatDrainsOrStopsDoesNotReportThatItIsReady() {
        var draining = running(1)
        _ = draining.drain()
        #expect(draining.ready(0) == [])
        var stopping = running(1)
        _ = stopping.stop()
        #expect(stopping.ready(0) == [])
    }

    // MARK: Every order

    /// The reports of one worker, in their order.
    enum Script: CaseIterable {
        case drains, isStopped, cutsOff, fails

        fileprivate func facts(of worker: Int) -> [Fact] {
            switch self {
            case .drains: [.started(worker), .ready(worker), .drained(worker), .ended(worker, cutOff: false)]
            case .isStopped: [.started(worker), .ended(worker, cutOff: false)]
            case .cutsOff: [.started(worker), .ready(worker), .ended(worker, cutOff: true)]
            case .fails: [.failed, .ended(worker, cutOff: false)]
            }
        }
    }

    fileprivate enum Fact: Equatable, CustomStringConvertible {
        case started(Int)
        case ready(Int)
        case drained(Int)
        case ended(Int, cutOff: Bool)
        case failed
        case drain
        case signalled
        case stop

        var description: String {
            switch self {
            case .started(let worker): "started \(worker)"
            case .ready(let worker): "ready \(worker)"
            case .drained(let worker): "drained \(worker)"
            case .ended(let worker, let cutOff): cutOff ? "ended \(worker), cut off" : "ended \(worker)"
            case .failed: "failed"
            case .drain: "drain"
            case .signalled: "signalled"
            case .stop: "stop"
            }
        }
    }

    /// The requests to the process meanwhile, each set in any order.
    fileprivate static let requests: [[Fact]] = [
        [], [.stop], [.drain], [.signalled, .signalled], [.drain, .signalled, .stop],
    ]

    /// Each worker's facts keep their order, as the mailbox keeps it; everything else comes in every order.
    @Test(arguments: Script.allCases, Script.allCases)
    func theOutcomeOfTwoWorkersDoesNotDependOnTheOrderOfWhatHappens(first: Script, second: Script) {
        let scripts = [first, second]
        let expected: TunnelOutcome =
            scripts.contains(.fails)
            ? .failed(Self.failure) : scripts.contains(.cutsOff) ? .cutShort : .drained
        for requests in Self.requests {
            var orders = EveryMerge()
            orders.search(
                [first.facts(of: 0), second.facts(of: 1)] + requests.map { [$0] },
                from: WatchedProcess()
            ) {
                process in
                process.machine.outcome == expected ? nil : "the outcome is \(process.machine.outcome)"
            }
            #expect(orders.faults == [])
            #expect(orders.count > 1)
        }
    }

    /// Also orders that no worker can bring about.
    @Test func aProcessExitsAtMostOnceAfterEverySequenceOfInputs() {
        let inputs: [Fact] = [
            .started(0), .started(1), .ready(0), .ready(1), .drained(0), .drained(1), .failed, .drain,
            .signalled,
            .stop, .ended(0, cutOff: false), .ended(0, cutOff: true), .ended(1, cutOff: false),
        ]
        let search = EverySequence(from: WatchedProcess(), inputs, upTo: 5) { process, fact in
            process.feed(fact, isOrdinary: false)
        }
        #expect(search.faults == [])
        #expect(search.stateCount > 100)
    }

    /// A process of two workers, and what its actions have been.
    fileprivate struct WatchedProcess {
        var machine = LifecycleStateMachine(workers: 2)
        var actions: [LifecycleStateMachine.Action] = []
        private var started: Set<Int> = []
        private var ended: Set<Int> = []
        /// Workers that have been told to stop.
        private var stopped: Set<Int> = []

        /// - Returns: the rule that the machine broke.
        mutating func feed(_ fact: Fact, isOrdinary: Bool = true) -> String? {
            switch fact {
            case .started(let worker): started.insert(worker)
            case .ended(let worker, _): ended.insert(worker)
            default: break
            }
            for action in act(fact) {
                if actions.contains(.exit) { return "\(action) after the exit" }
                if actions.contains(action), isOrdinary { return "\(action) twice" }
                if let rule = fault(of: action, after: fact) { return rule }
                actions.append(action)
            }
            if actions.contains(.stopWorkers), !actions.contains(.exit), !started.isSubset(of: stopped) {
                return "a worker was not told to stop"
            }
            if ended.count == 2, !actions.contains(.exit) { return "no exit" }
            return nil
        }

        private mutating func fault(of action: LifecycleStateMachine.Action, after fact: Fact) -> String? {
            let isStopping = actions.contains(.stopWorkers)
            switch action {
            case .begin:
                guard started.count == 2, !isStopping, !actions.contains(.begin) else {
                    return "begins too early"
                }
            case .reportReady:
                guard actions.contains(.begin), !isStopping, !actions.contains(.drainWorkers) else {
                    return "is not ready"
                }
            case .startDraining: if isStopping { return "drains while it stops" }
            case .drainWorkers:
                guard actions.contains(.begin), actions.contains(.startDraining), !isStopping else {
                    return "drains workers that have not begun"
                }
            case .stopWorkers:
                if isStopping { return "stops twice" }
                stopped = started
            case .stopWorker(let worker):
                guard isStopping, fact == .started(worker) else { return "stops a worker alone" }
                stopped.insert(worker)
            case .exit: guard ended.count == 2 else { return "exits too early" }
            }
            return nil
        }

        private mutating func act(_ fact: Fact) -> [LifecycleStateMachine.Action] {
            switch fact {
            case .started(let worker): machine.started(worker)
            case .ready(let worker): machine.ready(worker)
            case .drained(let worker): machine.drained(worker)
            case .ended(let worker, let cutOff): machine.ended(worker, cutOff: cutOff)
            case .failed: machine.failed(LifecycleStateMachineTests.failure)
            case .drain: machine.drain()
            case .signalled: machine.signalled()
            case .stop: machine.stop()
            }
        }
    }

    /// Feeds a process every order of facts in which each list keeps its own order.
    fileprivate struct EveryMerge {
        private(set) var faults: [String] = []
        /// The number of orders.
        private(set) var count = 0
        private var order: [Fact] = []

        mutating func search(
            _ lists: [[Fact]],
            from process: WatchedProcess,
            atEnd check: (WatchedProcess) -> String?
        ) {
            guard faults.count < 5 else { return }
            guard lists.contains(where: { !$0.isEmpty }) else {
                count += 1
                let exits = process.actions.count { $0 == .exit }
                if exits != 1 { faults.append("\(exits) exits: \(order)") }
                if let fault = check(process) { faults.append("\(fault): \(order)") }
                return
            }
            for index in lists.indices {
                guard let fact = lists[index].first else { continue }
                var rest = lists
                rest[index].removeFirst()
                var next = process
                order.append(fact)
                if let fault = next.feed(fact) { faults.append("\(fault): \(order)") }
                search(rest, from: next, atEnd: check)
                order.removeLast()
            }
        }
    }
}
