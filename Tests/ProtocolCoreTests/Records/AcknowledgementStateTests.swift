import Testing

@testable import ProtocolCore

@Suite struct AcknowledgementStateTests {
    @Test func aRecordThatNeedsNoAcknowledgementIsOnlyCounted() {
        var state = AcknowledgementState()
        for _ in 0..<1000 { expect(!state.note(bytes: 65556, asks: false)) }
        #expect(state.received == 1000)
        #expect(!state.isDue)
        #expect(state.isPending)
        #expect(state.tell() == 1000)
        #expect(!state.isPending)
    }

    @Test func anAcknowledgementIsDueAfter64Records() {
        var state = AcknowledgementState()
        for _ in 0..<63 { expect(state.note(bytes: 30, asks: true)) }
        #expect(!state.isDue)
        expect(state.note(bytes: 30, asks: true))
        #expect(state.isDue)
        #expect(state.tell() == 64)
        #expect(!state.isDue)
        expect(state.note(bytes: 30, asks: true))
        #expect(!state.isDue)
    }

    @Test func anAcknowledgementIsDueAfter256KiB() {
        var state = AcknowledgementState()
        expect(state.note(bytes: (256 << 10) - 1, asks: true))
        #expect(!state.isDue)
        expect(state.note(bytes: 1, asks: true))
        #expect(state.isDue)
    }
}
