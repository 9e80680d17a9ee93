import ProtocolCoreTesting
import Testing
import WireCoding

@Suite struct TypeLengthValueTests {
    @Test func elementsAreReadInAscendingOrder() throws {
        var bytes: [UInt8] = []
        bytes.append(type: 0, value: [])
        bytes.append(type: 1, value: [1, 2, 3])
        bytes.append(type: 0x8001, value: [4])
        bytes.append(type: .max, value: [UInt8](repeating: 7, count: 65535))
        let read = try elements(bytes)
        #expect(read.map(\.type) == [0, 1, 0x8001, .max])
        #expect(read.map(\.value.count) == [0, 3, 1, 65535])
        #expect(read.map(\.isCritical) == [false, false, true, true])
    }

    @Test func aTypeThatDoesNotAscendIsRefused() {
        for second in [UInt16(0), 4, 5] {
            var bytes: [UInt8] = []
            bytes.append(type: 5, value: [1])
            bytes.append(type: second, value: [2])
            #expect(throws: TypeLengthValueFault.notAscending(second)) { try elements(bytes) }
        }
    }

    @Test func anElementTruncatedAnywhereIsRefused() {
        var whole: [UInt8] = []
        whole.append(type: 1, value: [1, 2, 3])
        whole.append(type: 2, value: [4, 5])
        for count in 1..<whole.count where count != 7 {
            #expect(throws: TypeLengthValueFault.truncated, "cut after \(count)") {
                try elements(Array(whole.prefix(count)))
            }
        }
        #expect(throws: Never.self) { try elements(Array(whole.prefix(7))) }
    }

    @Test func aLengthBeyondTheEndIsRefused() {
        #expect(throws: TypeLengthValueFault.truncated) { try elements([0, 1, 0xFF, 0xFF, 0]) }
    }

    @Test(arguments: Seeds.some(10)) func arbitraryBytesAreReadOrRefusedWithinTheirBounds(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                // Small numbers make lists of several elements.
                UInt8.random(in: 0...(random.chance(80) ? 3 : 255), using: &random)
            }
            guard let read = try? elements(bytes) else { continue }
            #expect(read.reduce(0) { $0 + 4 + $1.value.count } == bytes.count)
            #expect(zip(read, read.dropFirst()).allSatisfy { $0.type < $1.type })
        }
    }

    private struct Element {
        let type: UInt16
        let value: [UInt8]
        let isCritical: Bool
    }

    @discardableResult
    private func elements(_ bytes: [UInt8]) throws -> [Element] {
        try bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer)
            var previous: UInt16?
            var elements: [Element] = []
            while let element = try reader.typeLengthValue(after: &previous) {
                elements.append(
                    Element(type: element.type, value: Array(element.value), isCritical: element.isCritical)
                )
            }
            return elements
        }
    }
}
