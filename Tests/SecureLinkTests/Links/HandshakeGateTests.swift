import EventIO
import Testing

@testable import SecureLink

@Suite struct HandshakeGateTests {
    private let second: UInt64 = 1_000_000_000

    private func prefix(_ host: String) throws -> AddressPrefix {
        try #require(SocketAddress(numericHost: host, port: 1)).prefix
    }

    /// A link that comes from there and ends like this.
    @discardableResult
    private func visit(
        _ gate: HandshakeGate,
        from place: AddressPrefix,
        _ outcome: HandshakeGate.Outcome,
        at now: UInt64
    ) -> HandshakeGate.Admission {
        let admission = gate.begin(place, at: now)
        if case .nothing = admission { return admission }
        gate.end(place, admission, outcome, at: now)
        return admission
    }

    @Test func oneAddressHasEightHandshakesAtOnce() throws {
        let gate = HandshakeGate(mostUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<8 { #expect(gate.begin(here, at: second) == .anything) }
        #expect(gate.begin(here, at: second) == .nothing("too many handshakes from there at once"))
        #expect(gate.begin(try prefix("10.0.0.2"), at: second) == .anything)
        gate.end(here, .anything, .success, at: second)
        #expect(gate.begin(here, at: second) == .anything)
    }

    @Test func allTogetherHaveAsManyAsConfigured() throws {
        let gate = HandshakeGate(mostUnderWay: 3)
        for number in 1...3 { #expect(gate.begin(try prefix("10.0.0.\(number)"), at: second) == .anything) }
        let more = gate.begin(try prefix("10.0.0.4"), at: second)
        #expect(more == .nothing("too many handshakes at once (max-handshakes)"))
    }

    @Test func threeWrongGuessesCloseTheDoorForLoginsForAWhileAndOnlyThere() throws {
        let gate = HandshakeGate(mostUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<3 { #expect(visit(gate, from: here, .wrongGuess, at: second) == .anything) }
        #expect(visit(gate, from: here, .nothing, at: second) == .sessionsOnly(loginAfterSeconds: 16))
        #expect(visit(gate, from: try prefix("10.0.0.2"), .nothing, at: second) == .anything)
        #expect(visit(gate, from: here, .nothing, at: 15 * second) == .sessionsOnly(loginAfterSeconds: 2))
        #expect(visit(gate, from: here, .nothing, at: 17 * second) == .anything)
    }

    @Test func whatFailsWhileNoLoginsAreServedCostsNothingMore() throws {
        let gate = HandshakeGate(mostUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<3 { visit(gate, from: here, .wrongGuess, at: second) }
        for outcome in [HandshakeGate.Outcome.garbage, .silence, .timeout, .success] {
            for _ in 0..<100 { visit(gate, from: here, outcome, at: 2 * second) }
        }
        #expect(visit(gate, from: here, .nothing, at: 17 * second) == .anything)
    }

    @Test func whereNoLoginsAreServedFourSessionsMayComeBackAtOnce() throws {
        let gate = HandshakeGate(mostUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<3 { visit(gate, from: here, .wrongGuess, at: second) }
        let sessions = HandshakeGate.Admission.sessionsOnly(loginAfterSeconds: 16)
        for _ in 0..<4 { #expect(gate.begin(here, at: second) == sessions) }
        #expect(gate.begin(here, at: second) == .nothing("too many failures from there"))
        gate.end(here, sessions, .success, at: second)
        #expect(gate.begin(here, at: second) == sessions)
    }

    @Test func whoHasFailedInManyPlacesTakesAnEighthOfTheRoomOfTheOthers() throws {
        let gate = HandshakeGate(mostUnderWay: 16)
        let places = try (1...20).map { try prefix("10.0.0.\($0)") }
        for place in places.dropLast() {
            for _ in 0..<2 { visit(gate, from: place, .timeout, at: second) }
        }
        let heard = places.dropLast().filter {
            gate.begin($0, at: second) != .nothing("too many failures from there")
        }
        #expect(heard.count == 2)
        for _ in 0..<8 { #expect(gate.begin(places[19], at: second) == .anything) }
        gate.end(heard[0], .sessionsOnly(loginAfterSeconds: 20), .timeout, at: second)
        #expect(gate.begin(places[5], at: second) == .sessionsOnly(loginAfterSeconds: 21))
    }

    @Test func aBadLineDoesNotShutOutWhoHasLoggedInOverIt() throws {
        let gate = HandshakeGate(mostUnderWay: 256)
        let (here, there) = (try prefix("10.0.0.1"), try prefix("10.0.0.2"))
        visit(gate, from: here, .success, at: second)
        for outcome in [HandshakeGate.Outcome.silence, .timeout] {
            for place in [here, there] {
                for _ in 0..<20 { visit(gate, from: place, outcome, at: 2 * second) }
            }
        }
        #expect(visit(gate, from: here, .nothing, at: 2 * second) == .anything)
        #expect(visit(gate, from: there, .nothing, at: 2 * second) != .anything)
        // A dozen logins that were cut look like guesses; more do not come of a line, and everything counts when it was long
        // ago.
        for _ in 0..<12 { #expect(visit(gate, from: here, .wrongGuess, at: 2 * second) == .anything) }
        #expect(visit(gate, from: here, .nothing, at: 2 * second) != .anything)
        #expect(visit(gate, from: here, .nothing, at: 61 * second) != .anything)
        #expect(visit(gate, from: here, .nothing, at: 63 * second) == .anything)
        for _ in 0..<20 { visit(gate, from: here, .silence, at: 700 * second) }
        #expect(visit(gate, from: here, .nothing, at: 700 * second) != .anything)
    }

    @Test func aClientThatBacksOffIsNeverShutOut() throws {
        let gate = HandshakeGate(mostUnderWay: 256)
        let here = try prefix("10.0.0.1")
        var now = second
        for step in 0..<200 {
            #expect(visit(gate, from: here, .wrongGuess, at: now) == .anything, "attempt \(step)")
            now += min(60, 1 << min(UInt64(step), 6)) * second
        }
    }

    @Test func aPenaltyEndsAfterAMinuteAndAHalfHoweverManyFail() throws {
        let gate = HandshakeGate(mostUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for outcome in [HandshakeGate.Outcome.timeout, .garbage, .garbage, .garbage, .garbage] {
            visit(gate, from: here, outcome, at: second)
        }
        // The most that can be added: as many as there may be had come before the first of them failed.
        for _ in 0..<8 { #expect(gate.begin(here, at: second) == .anything) }
        for _ in 0..<8 { gate.end(here, .anything, .timeout, at: second) }
        for now in 1..<95 {
            for _ in 0..<10 { visit(gate, from: here, .garbage, at: UInt64(now) * second) }
        }
        #expect(visit(gate, from: here, .nothing, at: 94 * second) == .sessionsOnly(loginAfterSeconds: 2))
        #expect(visit(gate, from: here, .nothing, at: 95 * second) == .anything)
    }

    @Test func aUserIsServedLastAfterTenGuessesAndOneMoreEveryFiveSeconds() {
        let gate = HandshakeGate(mostUnderWay: 256)
        for _ in 0..<10 { #expect(gate.mayGuess([1], at: second)) }
        #expect(!gate.mayGuess([1], at: second))
        #expect(gate.mayGuess([2], at: second))
        #expect(gate.mayGuess([1], at: 7 * second))
    }

    @Test func loginsThatWorkAreNoGuesses() {
        let gate = HandshakeGate(mostUnderWay: 256)
        for _ in 0..<1000 {
            #expect(gate.mayGuess([1], at: second))
            gate.wasNoGuess([1])
        }
    }

    @Test func failuresFromEverNewPlacesCostTheSameEach() throws {
        let gate = HandshakeGate(mostUnderWay: 10)
        let start = ContinuousClock.now
        for number in 0..<80_000 {
            let place = try prefix("10.\(number >> 16).\(number >> 8 & 255).\(number & 255)")
            #expect(visit(gate, from: place, .timeout, at: second) == .anything)
        }
        // To look through all penalties for each new one took minutes.
        #expect(ContinuousClock.now - start < .seconds(15))
    }
}
