import EventIO
import Testing

@testable import SecureLink

@Suite struct HandshakeGateTests {
    private let second: UInt64 = 1_000_000_000

    private func prefix(_ host: String) throws -> AddressPrefix {
        try #require(SocketAddress(numericHost: host, port: 1)).prefix
    }

    @Test func oneAddressHasEightHandshakesAtOnce() throws {
        let gate = HandshakeGate(mostUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<8 { #expect(gate.begin(here, at: second) == nil) }
        #expect(gate.begin(here, at: second) != nil)
        #expect(gate.begin(try prefix("10.0.0.2"), at: second) == nil)
        gate.end(here, .success, at: second)
        #expect(gate.begin(here, at: second) == nil)
        #expect(gate.refusedCount == 1)
    }

    @Test func allTogetherHaveAsManyAsConfigured() throws {
        let gate = HandshakeGate(mostUnderWay: 3)
        for number in 1...3 { #expect(gate.begin(try prefix("10.0.0.\(number)"), at: second) == nil) }
        #expect(gate.begin(try prefix("10.0.0.4"), at: second)?.contains("max-handshakes") == true)
    }

    @Test func threeWrongGuessesCloseTheDoorForAWhileAndOnlyThere() throws {
        let gate = HandshakeGate(mostUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<3 {
            #expect(gate.begin(here, at: second) == nil)
            gate.end(here, .wrongGuess, at: second)
        }
        #expect(gate.begin(here, at: second) != nil)
        #expect(gate.begin(try prefix("10.0.0.2"), at: second) == nil)
        #expect(gate.begin(here, at: 15 * second) != nil)
        #expect(gate.begin(here, at: 17 * second) == nil)
    }

    @Test func aBadLineDoesNotShutOutWhoHasLoggedInOverIt() throws {
        let gate = HandshakeGate(mostUnderWay: 256)
        let (here, there) = (try prefix("10.0.0.1"), try prefix("10.0.0.2"))
        gate.end(here, gate.begin(here, at: second) == nil ? .success : .nothing, at: second)
        for outcome in [HandshakeGate.Outcome.silence, .timeout] {
            for place in [here, there] {
                for _ in 0..<20 where gate.begin(place, at: 2 * second) == nil {
                    gate.end(place, outcome, at: 2 * second)
                }
            }
        }
        #expect(gate.begin(here, at: 2 * second) == nil)
        #expect(gate.begin(there, at: 2 * second) != nil)
        // A dozen logins that were cut look like guesses; more do not come of a line, and everything counts when it was long
        // ago.
        for _ in 0..<11 { gate.end(here, .wrongGuess, at: 2 * second) }
        #expect(gate.begin(here, at: 2 * second) == nil)
        gate.end(here, .wrongGuess, at: 2 * second)
        #expect(gate.begin(here, at: 2 * second) != nil)
        #expect(gate.begin(here, at: 61 * second) != nil)
        #expect(gate.begin(here, at: 63 * second) == nil)
        for _ in 0..<20 { gate.end(here, .silence, at: 700 * second) }
        #expect(gate.begin(here, at: 700 * second) != nil)
    }

    @Test func aClientThatBacksOffIsNeverShutOut() throws {
        let gate = HandshakeGate(mostUnderWay: 256)
        let here = try prefix("10.0.0.1")
        var now = second
        for step in 0..<200 {
            #expect(gate.begin(here, at: now) == nil, "attempt \(step)")
            gate.end(here, .wrongGuess, at: now)
            now += min(60, 1 << min(UInt64(step), 6)) * second
        }
    }

    @Test func aPenaltyEndsAfterTenMinutesHoweverManyFailed() throws {
        let gate = HandshakeGate(mostUnderWay: 256)
        let here = try prefix("10.0.0.1")
        for _ in 0..<8 { _ = gate.begin(here, at: second) }
        for _ in 0..<8 { gate.end(here, .timeout, at: second) }
        for _ in 0..<1000 { gate.end(try prefix("10.0.0.9"), .timeout, at: second) }
        #expect(gate.begin(try prefix("10.0.0.9"), at: 600 * second) != nil)
        #expect(gate.begin(try prefix("10.0.0.9"), at: 602 * second) == nil)
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
            #expect(gate.begin(place, at: second) == nil)
            gate.end(place, .timeout, at: second)
        }
        // To look through all penalties for each new one took minutes.
        #expect(ContinuousClock.now - start < .seconds(15))
    }
}
