import Testing

@testable import Tunnel

@Suite struct WorkerStateMachineTests {
    @Test func aWorkerDrainsUntilItIsEmptyAndStopsWhenItIsTold() {
        var machine = WorkerStateMachine()
        #expect(!machine.isDraining)
        #expect(machine.ended(isEmpty: true) == [], "a worker that runs may be empty")
        #expect(machine.drain() == [.takeNothingNew])
        #expect(machine.isDraining)
        #expect(machine.ended(isEmpty: false) == [])
        #expect(machine.ended(isEmpty: true) == [.reportDrained])
        #expect(machine.stop(cutsOff: false) == [.endAll])
        #expect(machine.turnAfterEndingAll(isQuiet: true) == [.stopLoop])
        #expect(!machine.hasCutOff)
    }

    @Test func aWorkerDrainsOnceAndReportsItOnce() {
        var machine = WorkerStateMachine()
        #expect(machine.drain() == [.takeNothingNew])
        #expect(machine.drain() == [])
        #expect(machine.ended(isEmpty: true) == [.reportDrained])
        #expect(machine.drain() == [])
        #expect(machine.ended(isEmpty: true) == [])
    }

    @Test func lastBytesAreWaitedFor() {
        var machine = WorkerStateMachine()
        #expect(machine.stop(cutsOff: false) == [.endAll])
        #expect(machine.turnAfterEndingAll(isQuiet: false) == [])
        #expect(machine.turnAfterEndingAll(isQuiet: false) == [])
        #expect(machine.turnAfterEndingAll(isQuiet: true) == [.stopLoop])
        #expect(machine.turnAfterEndingAll(isQuiet: true) == [])
    }

    @Test func lastBytesAreNotWaitedForIfSomethingIsCutOffAnyway() {
        var stopped = WorkerStateMachine()
        #expect(stopped.stop(cutsOff: true) == [.endAll])
        #expect(stopped.hasCutOff)
        #expect(stopped.turnAfterEndingAll(isQuiet: false) == [.stopLoop])

        var drained = WorkerStateMachine()
        _ = drained.drain()
        drained.cutOff()
        #expect(drained.stop(cutsOff: false) == [.endAll])
        #expect(drained.turnAfterEndingAll(isQuiet: false) == [.stopLoop])
    }

    @Test func onlyWhatIsCutOffWhileAWorkerDrainsCounts() {
        var machine = WorkerStateMachine()
        machine.cutOff()
        #expect(!machine.hasCutOff, "a link was lost in the ordinary course")
        _ = machine.drain()
        #expect(!machine.hasCutOff)
        machine.cutOff()
        #expect(machine.hasCutOff)

        var drained = WorkerStateMachine()
        _ = drained.drain() + drained.ended(isEmpty: true)
        drained.cutOff()
        #expect(drained.hasCutOff)
    }

    /// Its sessions end because it ends them: what that cuts off was counted before.
    @Test func whatEndsAfterTheStopIsNotCountedAgain() {
        var machine = WorkerStateMachine()
        _ = machine.stop(cutsOff: false)
        machine.cutOff()
        #expect(!machine.hasCutOff)
        #expect(machine.turnAfterEndingAll(isQuiet: true) == [.stopLoop])
        machine.cutOff()
        #expect(!machine.hasCutOff)
    }

    @Test func aWorkerThatStopsNeitherDrainsNorReportsThatItHas() {
        var machine = WorkerStateMachine()
        #expect(machine.stop(cutsOff: false) == [.endAll])
        #expect(machine.isDraining)
        #expect(machine.drain() == [])
        #expect(machine.ended(isEmpty: true) == [])
        #expect(machine.stop(cutsOff: true) == [], "the first one counts")
        #expect(!machine.hasCutOff)
    }

    @Test func theTurnsEndStopsNothingThatWasNotEnded() {
        var machine = WorkerStateMachine()
        #expect(machine.turnAfterEndingAll(isQuiet: true) == [])
        _ = machine.drain()
        machine.cutOff()
        #expect(machine.turnAfterEndingAll(isQuiet: true) == [])
    }

    // MARK: Every sequence

    @Test func aWorkerDoesEachThingAtMostOnceAfterEverySequenceOfInputs() {
        let search = EverySequence(from: WatchedWorker(), WatchedWorker.Input.allCases, upTo: 8) {
            $0.feed($1)
        }
        #expect(search.faults == [])
        #expect(search.stateCount > 10)
    }
}

/// A worker, and what its actions have been.
private struct WatchedWorker {
    var machine = WorkerStateMachine()
    var actions: [WorkerStateMachine.Action] = []
    /// Whether something has been cut off that counts.
    var hasCutOff = false

    enum Input: CaseIterable {
        case drain, endedWithMore, endedLast, cutOff, stop, stopCuttingOff, turnWithBytes, turnWithout
    }

    /// - Returns: the rule that the machine broke.
    mutating func feed(_ input: Input) -> String? {
        let wasDraining = machine.isDraining
        if !actions.contains(.endAll) {
            if input == .stopCuttingOff || (input == .cutOff && wasDraining) { hasCutOff = true }
        }
        for action in act(input) {
            if actions.contains(.stopLoop) { return "\(action) after the loop's stop" }
            if actions.contains(action) { return "\(action) twice" }
            switch action {
            case .takeNothingNew:
                if actions.contains(.endAll) { return "drains after everything has ended" }
            case .reportDrained:
                guard actions == [.takeNothingNew], input == .endedLast else { return "reports too early" }
            case .endAll: break
            case .stopLoop:
                guard actions.contains(.endAll) else { return "stops before everything has ended" }
                guard input == .turnWithout || hasCutOff else { return "does not wait for last bytes" }
            }
            actions.append(action)
        }
        if machine.hasCutOff != hasCutOff { return "hasCutOff is \(machine.hasCutOff)" }
        if machine.isDraining == actions.isEmpty { return "isDraining is \(machine.isDraining)" }
        return nil
    }

    private mutating func act(_ input: Input) -> [WorkerStateMachine.Action] {
        switch input {
        case .drain: return machine.drain()
        case .endedWithMore: return machine.ended(isEmpty: false)
        case .endedLast: return machine.ended(isEmpty: true)
        case .cutOff:
            machine.cutOff()
            return []
        case .stop: return machine.stop(cutsOff: false)
        case .stopCuttingOff: return machine.stop(cutsOff: true)
        case .turnWithBytes: return machine.turnAfterEndingAll(isQuiet: false)
        case .turnWithout: return machine.turnAfterEndingAll(isQuiet: true)
        }
    }
}
