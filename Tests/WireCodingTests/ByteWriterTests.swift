import ProtocolCoreTesting
import Testing
import WireCoding

@Suite struct ByteWriterTests {
    @Test func integersAreWrittenBigEndian() {
        var bytes = [UInt8](repeating: 0xEE, count: 20)
        bytes.withUnsafeMutableBytes { space in
            var writer = ByteWriter(space)
            writer.uint8(0x01)
            writer.uint16(0x0203)
            writer.uint24(0x04_0506)
            writer.uint32(0x0708_090A)
            writer.uint64(0x0B0C_0D0E_0F10_1112)
            #expect(writer.count == 18)
        }
        #expect(bytes == Array(1...18) + [0xEE, 0xEE])
    }

    @Test func bytesCanFillTheBufferToItsLastByte() {
        var bytes = [UInt8](repeating: 0, count: 4)
        bytes.withUnsafeMutableBytes { space in
            var writer = ByteWriter(space)
            writer.bytes(UnsafeRawBufferPointer(start: nil, count: 0))
            [UInt8]([9, 8, 7, 6]).withUnsafeBytes { writer.bytes($0) }
            #expect(writer.count == 4)
            // The buffer is full; writing zero bytes is still allowed.
            writer.bytes(UnsafeRawBufferPointer(start: nil, count: 0))
        }
        #expect(bytes == [9, 8, 7, 6])
    }

    @Test(arguments: Seeds.some(10)) func writtenIntegersAreReadBack(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let values = (0..<200).map { _ in UInt64.random(in: 0 ... .max, using: &random) }
        var bytes = [UInt8](repeating: 0, count: 200 * 18)
        bytes.withUnsafeMutableBytes { space in
            var writer = ByteWriter(space)
            for value in values {
                writer.uint64(value)
                writer.uint32(UInt32(truncatingIfNeeded: value))
                writer.uint24(Int(value & 0xFF_FFFF))
                writer.uint16(UInt16(truncatingIfNeeded: value))
                writer.uint8(UInt8(truncatingIfNeeded: value))
            }
            #expect(writer.count == space.count)
            var reader = ByteReader(UnsafeRawBufferPointer(space))
            for value in values {
                #expect(reader.uint64() == value)
                #expect(reader.uint32() == UInt32(truncatingIfNeeded: value))
                #expect(reader.uint24() == Int(value & 0xFF_FFFF))
                #expect(reader.uint16() == UInt16(truncatingIfNeeded: value))
                #expect(reader.uint8() == UInt8(truncatingIfNeeded: value))
            }
        }
    }
}
