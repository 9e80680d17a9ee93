import Basics
import EventIO
import ProtocolCoreTesting
import Testing

@testable import SecureLink

@Suite struct HandshakeGateTests {
    private func prefix(_ host: String) throws -> AddressPrefix {
        try #require(SocketAddress(numericHost: host, port: 1)).prefix
    }

    /// Begins the handshake of a link from this source and ends it with this outcome.
    @discardableResult
    private func link(
        _ gate: HandshakeGate,
        from source: AddressPrefix,
        _ outcome: HandshakeGate.Outcome,
        at now: Instant
    ) -> HandshakeGate.Admission {
        let admission = gate.begin(source, at: now)
        if case .nothing = admission { return admission }
        gate.end(source, admission, outcome, at: now)
        return admission
    }

    @Test func oneAddressMayHaveEightHandshakesInProgress() throws {
        let gate = HandshakeGate(maxUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<8 { #expect(gate.begin(here, at: .seconds(1)) == .anything) }
        let ninth = gate.begin(here, at: .seconds(1))
        #expect(ninth == .nothing("too many handshakes from this address at once"))
        #expect(gate.begin(try prefix("10.0.0.2"), at: .seconds(1)) == .anything)
        gate.end(here, .anything, .success, at: .seconds(1))
        #expect(gate.begin(here, at: .seconds(1)) == .anything)
    }

    @Test func allAddressesTogetherMayHaveTheConfiguredNumberOfHandshakes() throws {
        let gate = HandshakeGate(maxUnderWay: 3)
        for number in 1...3 {
            #expect(gate.begin(try prefix("10.0.0.\(number)"), at: .seconds(1)) == .anything)
        }
        let more = gate.begin(try prefix("10.0.0.4"), at: .seconds(1))
        #expect(more == .nothing("too many handshakes at once (max-handshakes)"))
    }

    @Test func threeWrongGuessesStopLoginsFromThatAddressForAWhile() throws {
        let gate = HandshakeGate(maxUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<3 { #expect(link(gate, from: here, .wrongGuess, at: .seconds(1)) == .anything) }
        #expect(link(gate, from: here, .nothing, at: .seconds(1)) == .sessionsOnly(loginAfterSeconds: 16))
        #expect(link(gate, from: try prefix("10.0.0.2"), .nothing, at: .seconds(1)) == .anything)
        #expect(link(gate, from: here, .nothing, at: .seconds(15)) == .sessionsOnly(loginAfterSeconds: 2))
        #expect(link(gate, from: here, .nothing, at: .seconds(17)) == .anything)
    }

    @Test func failuresAddNoPenaltyWhileLoginsAreRefused() throws {
        let gate = HandshakeGate(maxUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<3 { link(gate, from: here, .wrongGuess, at: .seconds(1)) }
        for outcome in [HandshakeGate.Outcome.garbage, .silence, .timeout, .success] {
            for _ in 0..<100 { link(gate, from: here, outcome, at: .seconds(2)) }
        }
        #expect(link(gate, from: here, .nothing, at: .seconds(17)) == .anything)
    }

    @Test func whileLoginsAreRefusedFourSessionsMayResumeAtOnce() throws {
        let gate = HandshakeGate(maxUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<3 { link(gate, from: here, .wrongGuess, at: .seconds(1)) }
        let sessions = HandshakeGate.Admission.sessionsOnly(loginAfterSeconds: 16)
        for _ in 0..<4 { #expect(gate.begin(here, at: .seconds(1)) == sessions) }
        #expect(gate.begin(here, at: .seconds(1)) == .nothing("too many failures from this address"))
        gate.end(here, sessions, .success, at: .seconds(1))
        #expect(gate.begin(here, at: .seconds(1)) == sessions)
    }

    @Test func allAddressesWithPenaltiesTogetherMayUseAnEighthOfThePlaces() throws {
        let gate = HandshakeGate(maxUnderWay: 16)
        let sources = try (1...20).map { try prefix("10.0.0.\($0)") }
        for source in sources.dropLast() {
            for _ in 0..<2 { link(gate, from: source, .timeout, at: .seconds(1)) }
        }
        let admitted = sources.dropLast().filter {
            gate.begin($0, at: .seconds(1)) != .nothing("too many failures from this address")
        }
        #expect(admitted.count == 2)
        for _ in 0..<8 { #expect(gate.begin(sources[19], at: .seconds(1)) == .anything) }
        gate.end(admitted[0], .sessionsOnly(loginAfterSeconds: 20), .timeout, at: .seconds(1))
        #expect(gate.begin(sources[5], at: .seconds(1)) == .sessionsOnly(loginAfterSeconds: 21))
    }

    @Test func aBadLineDoesNotStopLoginsFromAKnownAddress() throws {
        let gate = HandshakeGate(maxUnderWay: 256)
        let (here, there) = (try prefix("10.0.0.1"), try prefix("10.0.0.2"))
        link(gate, from: here, .success, at: .seconds(1))
        for outcome in [HandshakeGate.Outcome.silence, .timeout] {
            for source in [here, there] {
                for _ in 0..<20 { link(gate, from: source, outcome, at: .seconds(2)) }
            }
        }
        #expect(link(gate, from: here, .nothing, at: .seconds(2)) == .anything)
        #expect(link(gate, from: there, .nothing, at: .seconds(2)) != .anything)
        // A dozen interrupted logins look like guesses. A line does not cause more than that, and 600 s after the last proof
        // every failure counts.
        for _ in 0..<12 { #expect(link(gate, from: here, .wrongGuess, at: .seconds(2)) == .anything) }
        #expect(link(gate, from: here, .nothing, at: .seconds(2)) != .anything)
        #expect(link(gate, from: here, .nothing, at: .seconds(61)) != .anything)
        #expect(link(gate, from: here, .nothing, at: .seconds(63)) == .anything)
        for _ in 0..<20 { link(gate, from: here, .silence, at: .seconds(700)) }
        #expect(link(gate, from: here, .nothing, at: .seconds(700)) != .anything)
    }

    @Test func aClientThatBacksOffIsNeverRefused() throws {
        let gate = HandshakeGate(maxUnderWay: 256)
        let here = try prefix("10.0.0.1")
        var now = Instant.seconds(1)
        for step in 0..<200 {
            #expect(link(gate, from: here, .wrongGuess, at: now) == .anything, "attempt \(step)")
            now = now + .seconds(min(60, 1 << min(step, 6)))
        }
    }

    @Test func aPenaltyEndsAfterAMinuteAndAHalfNoMatterHowManyFail() throws {
        let gate = HandshakeGate(maxUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for outcome in [HandshakeGate.Outcome.timeout, .garbage, .garbage, .garbage, .garbage] {
            link(gate, from: here, outcome, at: .seconds(1))
        }
        // The worst case: all handshakes that are allowed at once begin before the first of them fails.
        for _ in 0..<8 { #expect(gate.begin(here, at: .seconds(1)) == .anything) }
        for _ in 0..<8 { gate.end(here, .anything, .timeout, at: .seconds(1)) }
        for now in 1..<95 {
            for _ in 0..<10 { link(gate, from: here, .garbage, at: .seconds(now)) }
        }
        #expect(link(gate, from: here, .nothing, at: .seconds(94)) == .sessionsOnly(loginAfterSeconds: 2))
        #expect(link(gate, from: here, .nothing, at: .seconds(95)) == .anything)
    }

    @Test func guessesAreDelayedAfterTenAtOnceAndOneEveryFiveSeconds() {
        let gate = HandshakeGate(maxUnderWay: 256)
        for _ in 0..<10 { #expect(gate.mayGuess([1], at: .seconds(1))) }
        #expect(!gate.mayGuess([1], at: .seconds(1)))
        #expect(gate.mayGuess([2], at: .seconds(1)))
        #expect(gate.mayGuess([1], at: .seconds(7)))
    }

    @Test func successfulLoginsAreNotGuesses() {
        let gate = HandshakeGate(maxUnderWay: 256)
        for _ in 0..<1000 {
            #expect(gate.mayGuess([1], at: .seconds(1)))
            gate.wasNoGuess([1])
        }
    }

    @Test func failuresFromManyNewAddressesTakeConstantTimeEach() throws {
        let gate = HandshakeGate(maxUnderWay: 10)
        let start = ContinuousClock.now
        for number in 0..<80_000 {
            let source = try prefix("10.\(number >> 16).\(number >> 8 & 255).\(number & 255)")
            #expect(link(gate, from: source, .timeout, at: .seconds(1)) == .anything)
        }
        // A scan of all penalties for each new one took minutes.
        #expect(ContinuousClock.now - start < .seconds(15))
    }
}
