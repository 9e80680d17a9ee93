import CryptoPrimitives
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

@Suite struct ServerHelloTests {
    let answer: [UInt8]

    init() throws {
        answer = try #require(HandshakeRun(People()).run().sent[.answer])
    }

    @Test func anAnswerIsReadBackAsWritten() throws {
        let (hello, confirmation) = try read(answer)
        #expect(hello.random == [UInt8](repeating: 0x51, count: 32))
        #expect(hello.suite == .encrypted)
        #expect(hello.share.count == 133)
        #expect(hello.parameters == SessionParameters())
        #expect(confirmation == Array(answer.suffix(64)))
        #expect(hello.encodedWithoutConfirmation() == answer.dropLast(64))
    }

    @Test func undefinedVersionsModesAndFlagsAreRefused() {
        for value in UInt8.min ... .max {
            if value != 1 { #expect(throws: HandshakeFault.version) { try read(answer.setting(40, value)) } }
            for (index, right) in [(41, 1), (42, 0), (45, 0)] as [(Int, UInt8)] where value != right {
                #expect(throws: HandshakeFault.malformed("mode")) { try read(answer.setting(index, value)) }
            }
        }
    }

    @Test func theConfirmationMustBeTheLastElement() {
        for type in [0x7FF1, 0x7FFF] as [UInt16] {
            #expect(throws: HandshakeFault.malformed("confirmation")) {
                try read(answer.editingElements { $0 + [(type, [])] })
            }
        }
        #expect(throws: HandshakeFault.malformed("confirmation")) {
            try read(answer.editingElements { $0.dropLast() })
        }
        for count in [0, 63, 65] {
            #expect(throws: HandshakeFault.malformed("confirmation")) {
                try read(
                    answer.editingElements { $0.dropLast() + [(0x7FF0, [UInt8](repeating: 1, count: count))] }
                )
            }
        }
    }

    @Test func aMissingElementOrOneOfTheWrongSizeIsRefused() {
        for type in [2, 4, 5] as [UInt16] {
            #expect(throws: HandshakeFault.self) {
                try read(answer.editingElements { $0.filter { $0.type != type } })
            }
            for change in [-1, 1] {
                #expect(throws: HandshakeFault.self) {
                    try read(
                        answer.editingElements {
                            $0.map { element in
                                guard element.type == type else { return element }
                                return (
                                    type, change < 0 ? Array(element.value.dropLast()) : element.value + [0]
                                )
                            }
                        }
                    )
                }
            }
        }
    }

    @Test func anAnswerTruncatedAnywhereIsRefused() {
        for count in 0..<(answer.count - 8) {
            let cut = HandshakeFrame.encode(.serverHello, body: Array(answer[8..<8 + count]))
            #expect(throws: HandshakeFault.self) { try read(cut) }
        }
    }

    @discardableResult
    private func read(_ frame: [UInt8]) throws -> (hello: ServerHello, confirmation: [UInt8]) {
        try frame.withUnsafeBytes { try ServerHello.read(frame: $0) }
    }
}

extension [UInt8] {
    /// A copy with one byte set.
    func setting(_ index: Int, _ value: UInt8) -> [UInt8] {
        var copy = self
        copy[index] = value
        return copy
    }
}
