import SecureLink
import Testing
import Vocabulary

@testable import Tunnel

/// Relays that join, and end by themselves.
@Suite struct RelayStateMachineTests {
    private typealias Action = RelayStateMachine.Action

    private func fin(_ party: Party) -> Action { .finish(RelayOutcome(ending: .finished, by: party)) }

    private static let sides: [Party] = [.visitor, .target]

    // MARK: Joining

    @Test func aVisitorIsReadOnlyOnceASessionCarriesIt() {
        var machine = RelayStateMachine.visitor
        #expect(!machine.isJoined && !machine.readsSocket && !machine.takesBytes && !machine.isOver)
        machine.sessionFound()
        #expect(machine.isJoined && machine.readsSocket && machine.takesBytes && !machine.isHalfClosed)
    }

    @Test func aTargetThatIsNotConnectedYetTakesBytesAndIsNotRead() {
        var machine = RelayStateMachine.target
        #expect(!machine.isJoined && !machine.readsSocket && machine.takesBytes && !machine.isOver)
        machine.targetConnected()
        #expect(machine.isJoined && machine.readsSocket && machine.takesBytes)
    }

    @Test func theEndsOfTheTunnelAreNamedAfterWhoOpensTheStream() {
        #expect(RelayStateMachine.visitor.side == .visitor)
        #expect(RelayStateMachine.visitor.ownEnd == .opener)
        #expect(RelayStateMachine.target.side == .target)
        #expect(RelayStateMachine.target.ownEnd == .acceptor)
    }

    @Test func nothingJoinsARelayThatIsOver() {
        for side in Self.sides {
            var machine = RelayStateMachine.waiting(side)
            _ = machine.shutDown()
            machine.heldUpByLimit()
            machine.sessionFound()
            machine.targetConnected()
            machine.targetAnswered(nil)
            #expect(machine.isOver && !machine.isJoined && !machine.readsSocket && !machine.takesBytes)
            #expect(machine.targetUnreachable(.unresolved) == .nothing)
        }
    }

    // MARK: Ending by itself

    @Test(arguments: sides) func aSocketThatEndsFirstEndsTheRelayWithTheStreamsEnd(side: Party) {
        var machine = RelayStateMachine.joined(side)
        #expect(machine.socketEnded() == .nothing)
        #expect(machine.isHalfClosed && !machine.readsSocket && machine.takesBytes && !machine.isOver)
        #expect(machine.delivered() == .nothing, "nothing has ended that could have been delivered")
        #expect(machine.streamEnded(isDelivered: true) == fin(side))
        #expect(machine.isOver)
    }

    @Test(arguments: sides) func aStreamThatEndsFirstShutsTheSocketDownAndTheRelayEndsWithTheTurn(side: Party)
    {
        var machine = RelayStateMachine.joined(side)
        #expect(machine.streamEnded(isDelivered: true) == .shutDownSocket)
        #expect(machine.isHalfClosed && machine.readsSocket && !machine.takesBytes)
        #expect(machine.turnEnded() == .nothing)
        #expect(machine.socketEnded() == .awaitTurnEnd)
        #expect(!machine.isOver, "the session does not know of the end yet")
        #expect(machine.turnEnded() == fin(side.opposite))
        #expect(machine.isOver)
    }

    @Test(arguments: sides) func aSocketIsNotShutDownBeforeItHasTakenEveryByte(side: Party) {
        var machine = RelayStateMachine.joined(side)
        #expect(machine.streamEnded(isDelivered: false) == .nothing)
        #expect(!machine.takesBytes && !machine.isHalfClosed)
        #expect(machine.streamEnded(isDelivered: true) == .nothing, "the end comes once")
        #expect(machine.delivered() == .shutDownSocket)
        #expect(machine.delivered() == .nothing)
        #expect(machine.socketEnded() == .awaitTurnEnd)
        #expect(machine.turnEnded() == fin(side.opposite))
    }

    @Test(arguments: sides) func aRelayDoesNotEndBeforeItsSocketHasTakenEveryByte(side: Party) {
        var machine = RelayStateMachine.joined(side)
        #expect(machine.streamEnded(isDelivered: false) == .nothing)
        #expect(machine.socketEnded() == .nothing)
        #expect(machine.turnEnded() == .nothing)
        #expect(machine.delivered() == fin(side.opposite))
    }

    @Test(arguments: [true, false])
    func aTargetIsShutDownAfterItWasConnectedIfEverythingCameBefore(isDelivered: Bool) {
        var machine = RelayStateMachine.target
        #expect(machine.streamEnded(isDelivered: isDelivered) == .nothing)
        #expect(machine.delivered() == .nothing)
        #expect(!machine.takesBytes)
        machine.targetConnected()
        #expect(machine.readsSocket && !machine.takesBytes)
        #expect(machine.delivered() == .shutDownSocket)
        #expect(machine.socketEnded() == .awaitTurnEnd)
        #expect(machine.turnEnded() == fin(.visitor))
    }

    // MARK: The session ends first

    @Test(arguments: sides) func aSessionThatEndsAfterBothDirectionsCutsNothingOff(side: Party) {
        var machine = RelayStateMachine.joined(side)
        _ = machine.streamEnded(isDelivered: true)
        #expect(machine.socketEnded() == .awaitTurnEnd)
        #expect(machine.sessionEnded(.linkLost(.ended)) == fin(side.opposite))
        #expect(machine.turnEnded() == .nothing)
    }

    @Test(arguments: sides) func bytesThatOnlyWaitForTheSocketAreDeliveredWithoutASession(side: Party) {
        var machine = RelayStateMachine.joined(side)
        #expect(machine.socketEnded() == .nothing)
        #expect(machine.streamEnded(isDelivered: false) == .nothing)
        #expect(machine.sessionEnded(.linkLost(.ended)) == .releaseStream)
        #expect(!machine.isOver)
        #expect(machine.delivered() == fin(side))
    }

    /// A reset of the socket would throw away the last bytes, and the peer has seen both ends.
    @Test(arguments: sides) func aShutdownInTheTurnOfTheLastEndCutsNothingOff(side: Party) {
        var machine = RelayStateMachine.joined(side)
        _ = machine.streamEnded(isDelivered: true)
        #expect(machine.socketEnded() == .awaitTurnEnd)
        #expect(machine.shutDown() == fin(side.opposite))
        #expect(machine.turnEnded() == .nothing)
    }
}

// MARK: - Every sequence

/// A relay, and what its actions have been.
private struct WatchedRelay {
    var machine: RelayStateMachine
    var hasShutDownSocket = false
    var awaitsTurnEnd = false
    /// Whether the last action has come.
    var hasEnded = false

    enum Input: CaseIterable {
        case sessionFound, heldUpByLimit, targetConnected, targetUnreachable, targetPresent, targetFailed
        case socketEnded, streamEnded, streamEndedWithBytes, delivered, turnEnded
        case peerReset, peerTimeout, peerLimit, sessionLost, sessionClosed
        case socketBroken, timedOut, outOfResources, shutDown
    }

    /// - Returns: the rule that the machine broke.
    mutating func feed(_ input: Input) -> String? {
        let before = machine
        let action = act(input)
        if hasEnded { return action == .nothing && machine.isOver ? nil : "\(action) after the end" }
        switch action {
        case .nothing: break
        case .shutDownSocket:
            if hasShutDownSocket { return "the socket is shut down twice" }
            guard machine.isJoined, !machine.takesBytes else { return "the socket is shut down too early" }
            hasShutDownSocket = true
        case .awaitTurnEnd:
            if awaitsTurnEnd { return "the turn's end is waited for twice" }
            guard input == .socketEnded else { return "the turn's end is waited for after \(input)" }
            awaitsTurnEnd = true
        case .releaseStream:
            guard input == .sessionLost || input == .sessionClosed, machine.isHalfClosed else {
                return "the stream is released after \(input)"
            }
        case .finish(let outcome):
            hasEnded = true
            guard before.isHalfClosed, outcome.ending == .finished else { return "one direction is open" }
        case .abort(let outcome, let reset):
            hasEnded = true
            if outcome.ending == .finished { return "an abort is no end by itself" }
            let isLocal = [.socketBroken, .timedOut, .outOfResources, .shutDown, .targetUnreachable]
                .contains(input)
            let hasPeer = outcome.ending != .noLink && !(outcome.ending == .limit && outcome.by == .acceptor)
            if (reset != nil) != isLocal, hasPeer { return "the peer gets \(String(describing: reset))" }
        }
        if hasEnded != machine.isOver { return "isOver is \(machine.isOver)" }
        if machine.readsSocket, !machine.isJoined { return "an unjoined socket is read" }
        if before.isJoined, !machine.isJoined, !machine.isOver { return "joined and parted" }
        if !before.takesBytes, machine.takesBytes, input != .sessionFound { return "takes bytes again" }
        return nil
    }

    private mutating func act(_ input: Input) -> RelayStateMachine.Action {
        switch input {
        case .sessionFound: machine.sessionFound()
        case .heldUpByLimit: machine.heldUpByLimit()
        case .targetConnected: machine.targetConnected()
        case .targetPresent: machine.targetAnswered(nil)
        case .targetFailed: machine.targetAnswered(.refused(111))
        case .targetUnreachable: return machine.targetUnreachable(.unresolved)
        case .socketEnded: return machine.socketEnded()
        case .streamEnded: return machine.streamEnded(isDelivered: true)
        case .streamEndedWithBytes: return machine.streamEnded(isDelivered: false)
        case .delivered: return machine.delivered()
        case .turnEnded: return machine.turnEnded()
        case .peerReset: return machine.streamReset(.peerReset)
        case .peerTimeout: return machine.streamReset(.timeout)
        case .peerLimit: return machine.streamReset(.limit)
        case .sessionLost: return machine.sessionEnded(.linkLost(.ended))
        case .sessionClosed: return machine.sessionEnded(.byUs(.shutdown, ""))
        case .socketBroken: return machine.socketBroken()
        case .timedOut: return machine.timedOut()
        case .outOfResources: return machine.outOfResources()
        case .shutDown: return machine.shutDown()
        }
        return .nothing
    }
}

extension RelayStateMachineTests {
    @Test(arguments: sides) func aRelayEndsAtMostOnceAfterEverySequenceOfInputs(side: Party) {
        let search = EverySequence(
            from: WatchedRelay(machine: .waiting(side)),
            WatchedRelay.Input.allCases,
            upTo: 8
        ) { $0.feed($1) }
        #expect(search.faults == [])
        #expect(search.stateCount > 50)
    }
}

extension RelayStateMachine {
    /// A relay as it begins.
    static func waiting(_ side: Party) -> RelayStateMachine { side == .visitor ? .visitor : .target }

    /// A relay that moves bytes.
    static func joined(_ side: Party) -> RelayStateMachine {
        var machine = waiting(side)
        machine.sessionFound()
        machine.targetConnected()
        if side == .visitor { machine.targetAnswered(nil) }
        return machine
    }
}
