import Basics
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

@Suite struct AbuseBudgetTests {
    private let start = Instant(nanoseconds: 5_000_000_000)

    @Test func theBudgetForUselessFramesIsAHundred() throws {
        var abuseBudget = AbuseBudget(at: start)
        for _ in 0..<100 { try abuseBudget.note("something") }
        #expect(throws: ProtocolViolation.limit("too often: something")) { try abuseBudget.note("something") }
    }

    @Test func aKeyUpdateEverySecondIsAlwaysAllowed() throws {
        var abuseBudget = AbuseBudget(at: start)
        var now = start
        for _ in 0..<1000 {
            try abuseBudget.noteKeyUpdate(at: now)
            now = now.advanced(by: .seconds(1))
        }
        for _ in 0..<100 { try abuseBudget.noteKeyUpdate(at: now.advanced(by: .milliseconds(-1))) }
    }

    @Test func theBudgetForKeyUpdatesAtOnceIsAHundredAndOne() throws {
        var abuseBudget = AbuseBudget(at: start)
        for _ in 0..<101 { try abuseBudget.noteKeyUpdate(at: start) }
        #expect(throws: ProtocolViolation.self) { try abuseBudget.noteKeyUpdate(at: start) }
    }

    @Test func theBudgetForPingsIsABurstOfTwentyAndThenTenPerSecond() throws {
        var abuseBudget = AbuseBudget(at: start)
        for _ in 0..<20 { try abuseBudget.notePing(at: start) }
        #expect(throws: ProtocolViolation.self) { try abuseBudget.notePing(at: start) }
        var now = start
        for _ in 0..<100 {
            now = now.advanced(by: .milliseconds(100))
            try abuseBudget.notePing(at: now)
        }
        #expect(throws: ProtocolViolation.self) { try abuseBudget.notePing(at: now) }
    }

    @Test func theBudgetForEarlyResetsIsAThousand() throws {
        var abuseBudget = AbuseBudget(at: start)
        for _ in 0..<1000 { try abuseBudget.noteEarlyReset(at: start) }
        #expect(throws: ProtocolViolation.self) { try abuseBudget.noteEarlyReset(at: start) }
    }
}

@Suite struct TokenBucketTests {
    @Test(arguments: Seeds.some(20)) func aBucketGivesAsManyTokensAsAnExactCount(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let capacity = Int.random(in: 1...50, using: &random)
        let perSecond = Int.random(in: 1...1000, using: &random)
        var now: UInt64 = UInt64.random(in: 0...1 << 60, using: &random)
        var bucket = TokenBucket(capacity: capacity, perSecond: perSecond, at: Instant(nanoseconds: now))
        // An exact model in integers: billionths of a token.
        let full = UInt64(capacity) * 1_000_000_000
        var exact = full
        for _ in 0..<2000 {
            let passed = UInt64.random(in: 0...20_000_000, using: &random)
            now += passed
            exact = min(full, exact + passed * UInt64(perSecond))
            let taken = bucket.take(at: Instant(nanoseconds: now))
            // Floating point may be off by a millionth of a token in either direction.
            if exact > 1_000_001_000 { #expect(taken) }
            if exact < 999_999_000 { #expect(!taken) }
            if taken { exact -= min(exact, 1_000_000_000) }
        }
    }

    @Test func aClockThatStopsOrGoesBackGivesNoTokens() {
        var bucket = TokenBucket(capacity: 1, perSecond: 1_000_000, at: Instant(nanoseconds: 1000))
        expect(bucket.take(at: Instant(nanoseconds: 1000)))
        expect(!bucket.take(at: Instant(nanoseconds: 1000)))
        expect(!bucket.take(at: Instant(nanoseconds: 0)))
        expect(bucket.take(at: .distantFuture))
        expect(!bucket.take(at: .distantFuture))
    }
}
