import Testing

@testable import Tunnel

@Suite struct RefusalCounterTests {
    private let second: UInt64 = 1_000_000_000

    @Test func theFirstIsToldAtOnceAndAFloodEveryTenSeconds() {
        var counter = RefusalCounter()
        #expect(counter.note("memory", at: 100 * second) == 1)
        for tenth in 1..<100 {
            #expect(counter.note("memory", at: 100 * second + UInt64(tenth) * second / 10) == nil)
        }
        #expect(counter.note("memory", at: 110 * second) == 100)
        #expect(counter.note("memory", at: 111 * second) == nil)
        #expect(counter.total == 102)
    }

    @Test func reasonsDoNotHideEachOther() {
        var counter = RefusalCounter()
        #expect(counter.note("memory", at: second) == 1)
        #expect(counter.note("max-links", at: second) == 1)
    }

    @Test func strangersCannotMakeTheTableGrow() {
        var counter = RefusalCounter()
        for number in 0..<5000 { #expect(counter.note("reason \(number)", at: second) == 1) }
        #expect(counter.total == 5000)
    }
}
