import ProtocolCoreTesting
import Testing

@testable import Tunnel

@Suite struct RefusalCounterTests {
    @Test func theFirstRefusalIsLoggedAtOnceAndAFloodEveryTenSeconds() {
        var counter = RefusalCounter()
        #expect(counter.note("memory", at: .seconds(100)) == 1)
        for tenth in 1..<100 {
            #expect(counter.note("memory", at: .seconds(100) + .milliseconds(100 * tenth)) == nil)
        }
        #expect(counter.note("memory", at: .seconds(110)) == 100)
        #expect(counter.note("memory", at: .seconds(111)) == nil)
        #expect(counter.total == 102)
    }

    @Test func eachReasonIsCountedOnItsOwn() {
        var counter = RefusalCounter()
        #expect(counter.note("memory", at: .seconds(1)) == 1)
        #expect(counter.note("max-links", at: .seconds(1)) == 1)
    }

    @Test func manyReasonsDoNotStopTheCounter() {
        var counter = RefusalCounter()
        for number in 0..<5000 { #expect(counter.note("reason \(number)", at: .seconds(1)) == 1) }
        #expect(counter.total == 5000)
    }
}
