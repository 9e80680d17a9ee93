import Testing

@testable import ProtocolCore

@Suite struct SendWindowTests {
    @Test func sentBytesReduceTheCredit() {
        var window = SendWindow(limit: 10)
        #expect(window.available == 10)
        window.consume(4)
        #expect(window.available == 6)
        window.consume(6)
        #expect(window.available == 0)
        window.consume(0)
        #expect(window.sent == 10)
    }

    @Test func onlyALargerLimitRaisesTheCredit() {
        var window = SendWindow(limit: 10)
        expect(!window.raise(to: 10))
        expect(!window.raise(to: 0))
        #expect(window.available == 10)
        expect(window.raise(to: 11))
        #expect(window.available == 11)
    }

    @Test func theLargestLimitDoesNotOverflow() {
        var window = SendWindow(limit: 0)
        expect(window.raise(to: .max))
        #expect(window.available == .max)
        window.consume(.max)
        #expect(window.available == .max)
        window.consume(.max)
        #expect(window.available == 1)
        window.consume(1)
        #expect(window.available == 0)
        expect(!window.raise(to: .max))
    }

    @Test func limitsNearPowersOfTwoAreExact() {
        for bit in 1..<64 {
            let power = UInt64(1) << UInt64(bit)
            for limit in [power - 1, power, power + 1] {
                var window = SendWindow(limit: 0)
                expect(window.raise(to: limit))
                #expect(window.available == Int(clamping: limit))
            }
        }
    }
}
