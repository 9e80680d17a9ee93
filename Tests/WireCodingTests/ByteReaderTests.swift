import ProtocolCoreTesting
import Testing
import WireCoding

@Suite struct ByteReaderTests {
    @Test func integersAreReadBigEndian() {
        let bytes: [UInt8] = Array(1...18)
        bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            #expect(reader.uint8() == 0x01)
            #expect(reader.uint16() == 0x0203)
            #expect(reader.uint24() == 0x04_0506)
            #expect(reader.uint32() == 0x0708_090A)
            #expect(reader.uint64() == 0x0B0C_0D0E_0F10_1112)
            #expect(reader.isAtEnd)
        }
    }

    @Test func aReadBeyondTheEndConsumesNothing() {
        for count in 0..<8 {
            let bytes = [UInt8](repeating: 0xFF, count: count)
            bytes.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                if count < 1 { #expect(reader.uint8() == nil) }
                if count < 2 { #expect(reader.uint16() == nil) }
                if count < 3 { #expect(reader.uint24() == nil) }
                if count < 4 { #expect(reader.uint32() == nil) }
                #expect(reader.uint64() == nil)
                #expect(reader.bytes(count + 1) == nil)
                #expect(reader.bytes(.max) == nil)
                #expect(reader.bytes(-1) == nil)
                #expect(reader.bytes(.min) == nil)
                #expect(reader.remaining == count)
            }
        }
    }

    @Test func anEmptyBufferWithoutMemoryIsAtItsEnd() {
        var reader = ByteReader(UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(reader.isAtEnd)
        #expect(reader.uint8() == nil)
        #expect(reader.bytes(0)?.count == 0)
        #expect(reader.remainder().isEmpty)
    }

    @Test func theRemainderIsTheUnreadBytes() {
        let bytes: [UInt8] = [1, 2, 3, 4, 5]
        bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            #expect(reader.bytes(2).map(Array.init) == [1, 2])
            #expect(Array(reader.remainder()) == [3, 4, 5])
            #expect(reader.isAtEnd)
            #expect(reader.remainder().isEmpty)
        }
    }

    @Test(arguments: Seeds.some(20)) func anySequenceOfReadsReturnsTheBytesInOrder(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let bytes = (0..<Int.random(in: 0...640, using: &random)).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer)
            var taken: [UInt8] = []
            for _ in 0..<1000 {
                let before = reader.remaining
                let count: Int
                switch Int.random(in: 0..<6, using: &random) {
                case 0:
                    count = 1
                    if let value = reader.uint8() { taken.append(value) }
                case 1:
                    count = 2
                    if let value = reader.uint16() { taken.append(bigEndian: value) }
                case 2:
                    count = 3
                    if let value = reader.uint24() {
                        taken += [value >> 16, value >> 8, value].map { UInt8($0 & 255) }
                    }
                case 3:
                    count = 4
                    if let value = reader.uint32() { taken.append(bigEndian: value) }
                case 4:
                    count = 8
                    if let value = reader.uint64() { taken.append(bigEndian: value) }
                default:
                    count = Int.random(in: 0...9, using: &random)
                    if let value = reader.bytes(count) { taken += value }
                }
                #expect(reader.remaining == (count <= before ? before - count : before))
                #expect(taken == Array(bytes.prefix(bytes.count - reader.remaining)))
            }
        }
    }
}
