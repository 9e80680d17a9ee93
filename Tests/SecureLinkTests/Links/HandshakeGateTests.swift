import Basics
import EventIO
import ProtocolCoreTesting
import Testing

@testable import SecureLink

@Suite struct HandshakeGateTests {
    private func prefix(_ host: String) throws -> AddressPrefix {
        try #require(SocketAddress(numericHost: host, port: 1)).prefix
    }

    /// A link that comes from there and ends like this.
    @discardableResult
    private func visit(
        _ gate: HandshakeGate,
        from place: AddressPrefix,
        _ outcome: HandshakeGate.Outcome,
        at now: Instant
    ) -> HandshakeGate.Admission {
        let admission = gate.begin(place, at: now)
        if case .nothing = admission { return admission }
        gate.end(place, admission, outcome, at: now)
        return admission
    }

    @Test func oneAddressHasEightHandshakesAtOnce() throws {
        let gate = HandshakeGate(maxUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<8 { #expect(gate.begin(here, at: .seconds(1)) == .anything) }
        #expect(gate.begin(here, at: .seconds(1)) == .nothing("too many handshakes from there at once"))
        #expect(gate.begin(try prefix("10.0.0.2"), at: .seconds(1)) == .anything)
        gate.end(here, .anything, .success, at: .seconds(1))
        #expect(gate.begin(here, at: .seconds(1)) == .anything)
    }

    @Test func allTogetherHaveAsManyAsConfigured() throws {
        let gate = HandshakeGate(maxUnderWay: 3)
        for number in 1...3 {
            #expect(gate.begin(try prefix("10.0.0.\(number)"), at: .seconds(1)) == .anything)
        }
        let more = gate.begin(try prefix("10.0.0.4"), at: .seconds(1))
        #expect(more == .nothing("too many handshakes at once (max-handshakes)"))
    }

    @Test func threeWrongGuessesCloseTheDoorForLoginsForAWhileAndOnlyThere() throws {
        let gate = HandshakeGate(maxUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<3 { #expect(visit(gate, from: here, .wrongGuess, at: .seconds(1)) == .anything) }
        #expect(visit(gate, from: here, .nothing, at: .seconds(1)) == .sessionsOnly(loginAfterSeconds: 16))
        #expect(visit(gate, from: try prefix("10.0.0.2"), .nothing, at: .seconds(1)) == .anything)
        #expect(visit(gate, from: here, .nothing, at: .seconds(15)) == .sessionsOnly(loginAfterSeconds: 2))
        #expect(visit(gate, from: here, .nothing, at: .seconds(17)) == .anything)
    }

    @Test func whatFailsWhileNoLoginsAreServedCostsNothingMore() throws {
        let gate = HandshakeGate(maxUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<3 { visit(gate, from: here, .wrongGuess, at: .seconds(1)) }
        for outcome in [HandshakeGate.Outcome.garbage, .silence, .timeout, .success] {
            for _ in 0..<100 { visit(gate, from: here, outcome, at: .seconds(2)) }
        }
        #expect(visit(gate, from: here, .nothing, at: .seconds(17)) == .anything)
    }

    @Test func whereNoLoginsAreServedFourSessionsMayComeBackAtOnce() throws {
        let gate = HandshakeGate(maxUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<3 { visit(gate, from: here, .wrongGuess, at: .seconds(1)) }
        let sessions = HandshakeGate.Admission.sessionsOnly(loginAfterSeconds: 16)
        for _ in 0..<4 { #expect(gate.begin(here, at: .seconds(1)) == sessions) }
        #expect(gate.begin(here, at: .seconds(1)) == .nothing("too many failures from there"))
        gate.end(here, sessions, .success, at: .seconds(1))
        #expect(gate.begin(here, at: .seconds(1)) == sessions)
    }

    @Test func whoHasFailedInManyPlacesTakesAnEighthOfTheRoomOfTheOthers() throws {
        let gate = HandshakeGate(maxUnderWay: 16)
        let places = try (1...20).map { try prefix("10.0.0.\($0)") }
        for place in places.dropLast() {
            for _ in 0..<2 { visit(gate, from: place, .timeout, at: .seconds(1)) }
        }
        let heard = places.dropLast().filter {
            gate.begin($0, at: .seconds(1)) != .nothing("too many failures from there")
        }
        #expect(heard.count == 2)
        for _ in 0..<8 { #expect(gate.begin(places[19], at: .seconds(1)) == .anything) }
        gate.end(heard[0], .sessionsOnly(loginAfterSeconds: 20), .timeout, at: .seconds(1))
        #expect(gate.begin(places[5], at: .seconds(1)) == .sessionsOnly(loginAfterSeconds: 21))
    }

    @Test func aBadLineDoesNotShutOutWhoHasLoggedInOverIt() throws {
        let gate = HandshakeGate(maxUnderWay: 256)
        let (here, there) = (try prefix("10.0.0.1"), try prefix("10.0.0.2"))
        visit(gate, from: here, .success, at: .seconds(1))
        for outcome in [HandshakeGate.Outcome.silence, .timeout] {
            for place in [here, there] {
                for _ in 0..<20 { visit(gate, from: place, outcome, at: .seconds(2)) }
            }
        }
        #expect(visit(gate, from: here, .nothing, at: .seconds(2)) == .anything)
        #expect(visit(gate, from: there, .nothing, at: .seconds(2)) != .anything)
        // A dozen logins that were cut look like guesses; more do not come of a line, and everything counts when it was long
        // ago.
        for _ in 0..<12 { #expect(visit(gate, from: here, .wrongGuess, at: .seconds(2)) == .anything) }
        #expect(visit(gate, from: here, .nothing, at: .seconds(2)) != .anything)
        #expect(visit(gate, from: here, .nothing, at: .seconds(61)) != .anything)
        #expect(visit(gate, from: here, .nothing, at: .seconds(63)) == .anything)
        for _ in 0..<20 { visit(gate, from: here, .silence, at: .seconds(700)) }
        #expect(visit(gate, from: here, .nothing, at: .seconds(700)) != .anything)
    }

    @Test func aClientThatBacksOffIsNeverShutOut() throws {
        let gate = HandshakeGate(maxUnderWay: 256)
        let here = try prefix("10.0.0.1")
        var now = Instant.seconds(1)
        for step in 0..<200 {
            #expect(visit(gate, from: here, .wrongGuess, at: now) == .anything, "attempt \(step)")
            now = now + .seconds(min(60, 1 << min(step, 6)))
        }
    }

    @Test func aPenaltyEndsAfterAMinuteAndAHalfHoweverManyFail() throws {
        let gate = HandshakeGate(maxUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for outcome in [HandshakeGate.Outcome.timeout, .garbage, .garbage, .garbage, .garbage] {
            visit(gate, from: here, outcome, at: .seconds(1))
        }
        // The most that can be added: as many as there may be had come before the first of them failed.
        for _ in 0..<8 { #expect(gate.begin(here, at: .seconds(1)) == .anything) }
        for _ in 0..<8 { gate.end(here, .anything, .timeout, at: .seconds(1)) }
        for now in 1..<95 {
            for _ in 0..<10 { visit(gate, from: here, .garbage, at: .seconds(now)) }
        }
        #expect(visit(gate, from: here, .nothing, at: .seconds(94)) == .sessionsOnly(loginAfterSeconds: 2))
        #expect(visit(gate, from: here, .nothing, at: .seconds(95)) == .anything)
    }

    @Test func aUserIsServedLastAfterTenGuessesAndOneMoreEveryFiveSeconds() {
        let gate = HandshakeGate(maxUnderWay: 256)
        for _ in 0..<10 { #expect(gate.mayGuess([1], at: .seconds(1))) }
        #expect(!gate.mayGuess([1], at: .seconds(1)))
        #expect(gate.mayGuess([2], at: .seconds(1)))
        #expect(gate.mayGuess([1], at: .seconds(7)))
    }

    @Test func loginsThatWorkAreNoGuesses() {
        let gate = HandshakeGate(maxUnderWay: 256)
        for _ in 0..<1000 {
            #expect(gate.mayGuess([1], at: .seconds(1)))
            gate.wasNoGuess([1])
        }
    }

    @Test func failuresFromEverNewPlacesCostTheSameEach() throws {
        let gate = HandshakeGate(maxUnderWay: 10)
        let start = ContinuousClock.now
        for number in 0..<80_000 {
            let place = try prefix("10.\(number >> 16).\(number >> 8 & 255).\(number & 255)")
            #expect(visit(gate, from: place, .timeout, at: .seconds(1)) == .anything)
        }
        // To look through all penalties for each new one took minutes.
        #expect(ContinuousClock.now - start < .seconds(15))
    }
}
