import SecureLink
import Testing
import Vocabulary

@testable import Tunnel

/// Relays that end before their time: both ends of the tunnel tell the same `why` and `by`, as OPERATIONS.md says.
@Suite struct RelayStateMachineEndingTests {
    private typealias Action = RelayStateMachine.Action

    /// The log's words.
    private struct Words: Equatable, CustomStringConvertible {
        let why: String
        let by: String

        init(_ why: String, _ by: String) {
            self.why = why
            self.by = by
        }

        init(_ outcome: RelayOutcome) {
            self.init(outcome.ending.why, outcome.by.rawValue)
        }

        var description: String { "\(why) by \(by)" }
    }

    private static let sides: [Party] = [.visitor, .target]

    /// The outcome of an abort and the reset that the peer gets; `nil` for another action.
    private func abort(_ action: Action) -> (words: Words, reset: StreamFailure?)? {
        guard case .abort(let outcome, let reset) = action else { return nil }
        return (Words(outcome), reset)
    }

    /// The words of an end whose peer resets the stream.
    ///
    /// RESET carries no errno.
    private func reset(_ machine: RelayStateMachine, _ failure: StreamFailure) -> Words? {
        var machine = machine
        let told = abort(machine.streamReset(StreamFailure(code: failure.code)))
        #expect(told?.reset == nil, "what was reset is not reset back")
        return told?.words
    }

    // MARK: This end ends it

    /// A cause at one end, and the words of both.
    struct Cause: CustomTestStringConvertible {
        let name: String
        let by: (visitor: Party, target: Party)
        let why: String
        let failure: StreamFailure
        let happen: @Sendable (inout RelayStateMachine) -> RelayStateMachine.Action

        var testDescription: String { name }
    }

    static let causes = [
        Cause(name: "reset", by: (.visitor, .target), why: "reset", failure: .peerReset) {
            $0.socketBroken()
        },
        Cause(name: "idle", by: (.opener, .acceptor), why: "idle", failure: .timeout) { $0.timedOut() },
        Cause(name: "limit", by: (.opener, .acceptor), why: "limit", failure: .limit) { $0.outOfResources() },
        Cause(name: "shutdown", by: (.opener, .acceptor), why: "shutdown", failure: .shutdown) {
            $0.shutDown()
        },
    ]

    @Test(arguments: causes) func bothEndsTellTheSameWhenTheVisitorsEndResets(cause: Cause) throws {
        for target in [RelayStateMachine.target, .joined(.target)] {
            var machine = RelayStateMachine.joined(.visitor)
            let told = try #require(abort(cause.happen(&machine)))
            #expect(told.reset == cause.failure)
            #expect(told.words == Words(cause.why, cause.by.visitor.rawValue))
            #expect(machine.isOver)
            #expect(reset(target, cause.failure) == told.words)
        }
    }

    @Test(arguments: causes) func bothEndsTellTheSameWhenTheTargetsEndResets(cause: Cause) throws {
        var machine = RelayStateMachine.joined(.target)
        let told = try #require(abort(cause.happen(&machine)))
        #expect(told.reset == cause.failure)
        #expect(told.words == Words(cause.why, cause.by.target.rawValue))
        #expect(machine.isOver)
        #expect(reset(.joined(.visitor), cause.failure) == told.words)
    }

    @Test(arguments: causes) func aHalfClosedRelayEndsLikeAnOpenOne(cause: Cause) throws {
        for side in Self.sides {
            let expected = Words(cause.why, (side == .visitor ? cause.by.visitor : cause.by.target).rawValue)
            var outward = RelayStateMachine.joined(side)
            _ = outward.socketEnded()
            #expect(try #require(abort(cause.happen(&outward))).words == expected)
            var inward = RelayStateMachine.joined(side)
            _ = inward.streamEnded(isDelivered: true)
            #expect(try #require(abort(cause.happen(&inward))).words == expected)
            var unread = RelayStateMachine.joined(side)
            _ = unread.socketEnded()
            _ = unread.streamEnded(isDelivered: false)
            #expect(try #require(abort(cause.happen(&unread))).words == expected)
        }
    }

    // MARK: The target

    @Test(arguments: [
        (StreamFailure.refused(111), "refused(ECONNREFUSED)"), (.unreachable(2), "unreachable(ENOENT)"),
        (.timeout, "timeout"), (.unresolved, "resolve"),
    ])
    func bothEndsTellWhyTheTargetIsNotConnected(failure: StreamFailure, why: String) throws {
        for hasEverything in [false, true] {
            var target = RelayStateMachine.target
            if hasEverything { _ = target.streamEnded(isDelivered: false) }
            let told = try #require(abort(target.targetUnreachable(failure)))
            #expect(told.words == Words(why, "target"))
            #expect(told.reset == failure)
            var visitor = RelayStateMachine.visitor
            visitor.sessionFound()
            visitor.targetAnswered(failure)
            #expect(reset(visitor, failure) == told.words)
        }
    }

    @Test func aTargetThatDoesNotAnswerInTimeIsToldAtBothEnds() throws {
        var target = RelayStateMachine.target
        let told = try #require(abort(target.timedOut()))
        #expect(told.words == Words("timeout", "target"))
        #expect(told.reset == .timeout)
        var visitor = RelayStateMachine.visitor
        visitor.sessionFound()
        #expect(reset(visitor, .timeout) == told.words, "the report may be missing")
        visitor.targetAnswered(.timeout)
        #expect(reset(visitor, .timeout) == told.words)
    }

    @Test func aShutdownBeforeTheTargetIsConnectedIsToldAtBothEnds() throws {
        var target = RelayStateMachine.target
        let told = try #require(abort(target.shutDown()))
        #expect(told.words == Words("shutdown", "acceptor"))
        #expect(told.reset == .shutdown)
        var visitor = RelayStateMachine.visitor
        visitor.sessionFound()
        #expect(reset(visitor, .shutdown) == told.words)
    }

    @Test func aTargetThatWasConnectedIsNotUnreachableAnyMore() {
        var machine = RelayStateMachine.joined(.target)
        #expect(machine.targetUnreachable(.unresolved) == .nothing)
        #expect(machine.isJoined)
    }

    // MARK: The peer ends it

    /// The server turns the stream away, or has no more use for it.
    @Test(arguments: [
        (StreamFailure.noService, "no-service"), (.forbidden, "forbidden"), (.limit, "limit"),
        (.notProcessed, "not-processed"), (.shutdown, "shutdown"), (.cancelled, "cancelled"),
        (.unknown(0x1FF), "code-511"),
    ])
    func aRefusalByTheServerIsToldInItsWords(failure: StreamFailure, why: String) {
        #expect(reset(.joined(.visitor), failure) == Words(why, "acceptor"))
    }

    @Test(arguments: [
        (StreamFailure.limit, "limit"), (.shutdown, "shutdown"), (.cancelled, "cancelled"),
        (.timeout, "idle"),
        (.notProcessed, "not-processed"), (.unknown(0x1FF), "code-511"),
    ])
    func aResetByTheVisitorsEndIsNotHeldAgainstTheServer(failure: StreamFailure, why: String) {
        #expect(reset(.target, failure) == Words(why, "opener"))
        #expect(reset(.joined(.target), failure) == Words(why, "opener"))
    }

    // MARK: No session

    @Test func aVisitorForWhomThereIsNoSessionInTimeIsNotHeldAgainstAnEnd() throws {
        var machine = RelayStateMachine.visitor
        let told = try #require(abort(machine.timedOut()))
        #expect(told.words == Words("no-link", "link"))
        #expect(told.reset == nil)
    }

    @Test func aVisitorThatTheServersLimitHoldsUpSaysSo() throws {
        var machine = RelayStateMachine.visitor
        machine.heldUpByLimit()
        let told = try #require(abort(machine.timedOut()))
        #expect(told.words == Words("limit", "acceptor"))
        #expect(told.reset == nil)
    }

    @Test func aVisitorThatWasHeldUpAndIsCarriedNowIsIdleAfterItsTime() throws {
        var machine = RelayStateMachine.visitor
        machine.heldUpByLimit()
        machine.sessionFound()
        #expect(try #require(abort(machine.timedOut())).words == Words("idle", "opener"))
    }

    // MARK: The session ends

    /// The visitor's end and the target's end, which see the same end of their session.
    @Test(arguments: [
        (SessionEnd.byUs(.shutdown, ""), SessionEnd.byPeer(.shutdown, ""), "shutdown", "opener"),
        (.byPeer(.shutdown, ""), .byUs(.shutdown, ""), "shutdown", "acceptor"),
        (.byUs(.none, ""), .byPeer(.none, ""), "shutdown", "opener"),
        (.byPeer(.revoked, ""), .byUs(.revoked, ""), "revoked", "acceptor"),
        (.byUs(.internalError, ""), .byPeer(.internalError, ""), "internal", "opener"),
        (.violation(.flowControl, ""), .byPeer(.flowControl, ""), "flow-control", "opener"),
        (.byPeer(.protocolError, ""), .violation(.protocolError, ""), "protocol", "acceptor"),
        (.linkLost(.ended), .linkLost(.silent), "link-lost", "link"),
        (.notResumed(.unknownToServer), .notResumed(.late), "link-lost", "link"),
    ])
    func bothEndsTellTheSameWhenTheirSessionEnds(
        atVisitor: SessionEnd,
        atTarget: SessionEnd,
        why: String,
        by: String
    ) throws {
        var visitor = RelayStateMachine.joined(.visitor)
        var target = RelayStateMachine.joined(.target)
        for told in [abort(visitor.sessionEnded(atVisitor)), abort(target.sessionEnded(atTarget))] {
            #expect(try #require(told).words == Words(why, by))
            #expect(told?.reset == nil, "there is nobody to be told")
        }
        var early = RelayStateMachine.target
        #expect(try #require(abort(early.sessionEnded(atTarget))).words == Words(why, by))
    }

    @Test(arguments: sides) func aSessionThatEndsBeforeTheSocketCutsTheRelayOff(side: Party) throws {
        var machine = RelayStateMachine.joined(side)
        #expect(machine.streamEnded(isDelivered: true) == .shutDownSocket)
        #expect(
            try #require(abort(machine.sessionEnded(.linkLost(.ended)))).words == Words("link-lost", "link")
        )
    }

    @Test(arguments: sides) func aSessionThatEndsBeforeTheStreamCutsTheRelayOff(side: Party) throws {
        var machine = RelayStateMachine.joined(side)
        #expect(machine.socketEnded() == .nothing)
        #expect(
            try #require(abort(machine.sessionEnded(.linkLost(.ended)))).words == Words("link-lost", "link")
        )
    }

    @Test func aSummaryIsCompleteOnlyIfBothDirectionsCameToTheirEnd() {
        #expect(StreamSummary(RelayOutcome(ending: .finished, by: .visitor)).isComplete)
        let summary = StreamSummary(RelayOutcome(ending: .idle, by: .opener))
        #expect(!summary.isComplete)
        #expect(summary.why == "idle" && summary.by == "opener")
    }
}
