import Testing
import Vocabulary
import WireCoding

@testable import ProtocolCore

@Suite struct ReasonTextTests {
    @Test func aReasonIsReadBack() throws {
        for text in ["", "going home", String(repeating: "x", count: 128)] {
            let reason = try read(ReasonText(code: .shutdown, text: text).encoded)
            #expect(reason.code == .shutdown)
            #expect(reason.text == text)
        }
    }

    @Test func aTextThatIsTooLongIsTruncatedWhenSentAndRefusedWhenReceived() throws {
        let long = ReasonText(code: .none, text: String(repeating: "x", count: 500))
        #expect(try read(long.encoded).text.count == 128)
        #expect(throws: ProtocolViolation.self) { try read([0, 0] + [UInt8](repeating: 0x61, count: 129)) }
    }

    @Test func aReasonWithAnIncompleteCodeIsRefused() {
        #expect(throws: ProtocolViolation.self) { try read([]) }
        #expect(throws: ProtocolViolation.self) { try read([1]) }
    }

    @Test func anUnknownCodeIsKeptAndControlCharactersAreReplaced() throws {
        let reason = try read([0xAB, 0xCD, 0x1B, 0x5B, 0x80, 0x7F, 0x20, 0x0A])
        #expect(reason.code.rawValue == 0xABCD)
        #expect(reason.code.name == "code-43981")
        #expect(reason.text == "?[?? ?")
    }

    private func read(_ payload: [UInt8]) throws -> ReasonText {
        try payload.withUnsafeBytes {
            var reader = ByteReader($0)
            return try ReasonText(&reader)
        }
    }
}
