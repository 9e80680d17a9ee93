import Testing
import Vocabulary

@testable import ProtocolCore

@Suite struct RecordHeaderTests {
    @Test func theFirstFourBytesGiveTheLengthOfARecord() throws {
        var header = [UInt8](repeating: 0, count: 4)
        for count in [1, 1024, 4096, 65536] {
            header.withUnsafeMutableBytes { space in
                guard let base = space.baseAddress else { return }
                RecordHeader.write(plaintextCount: count, at: base)
                #expect(RecordHeader.recordCount(at: base) == count + 20)
            }
            #expect(try measure(header) == count + 20)
            for part in 0..<4 { #expect(try measure(Array(header.prefix(part))) == nil) }
        }
    }

    @Test func lengthsBeyondTheLimitsAreRefusedOnceTheHeaderIsComplete() {
        for length in [0, 1, 15, 16, 1024 + 17, 65535, 0xFF_FFFF] {
            let header = [0xD1, UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255)]
            #expect(throws: LinkFault.recordLength(length)) { try measure(header, most: 1024) }
            #expect(throws: Never.self) { try measure(Array(header.dropLast()), most: 1024) }
        }
        for length in [17, 1024 + 16] {
            let header = [0xD1, 0, UInt8(length >> 8), UInt8(length & 255)]
            #expect(throws: Never.self) { try measure(header, most: 1024) }
        }
    }

    @Test func anUnknownKindIsRefusedAtTheFirstByte() {
        for kind in UInt8.min ... .max where kind != 0xD1 {
            #expect(throws: LinkFault.unknownKind(kind)) { try measure([kind]) }
        }
    }

    @discardableResult
    private func measure(_ bytes: [UInt8], most: Int = 65536) throws -> Int? {
        try bytes.withUnsafeBytes { try RecordHeader.measure($0, maxPlaintext: most) }
    }
}
