import Testing
import WireCoding

@Suite struct ByteArrayTests {
    @Test func integersAreAppendedInTheGivenByteOrder() {
        var bytes: [UInt8] = [0xAA]
        bytes.append(bigEndian: UInt16(0x0102))
        bytes.append(littleEndian: UInt32(0x0304_0506))
        bytes.append(bigEndian: UInt64(0x0708_090A_0B0C_0D0E))
        #expect(bytes == [0xAA, 1, 2, 6, 5, 4, 3, 7, 8, 9, 10, 11, 12, 13, 14])
    }

    @Test func aLengthPrefixIsEightBytesLittleEndian() {
        var bytes: [UInt8] = []
        bytes.append(lengthPrefixed: [UInt8]())
        bytes.append(lengthPrefixed: Array("ab".utf8))
        #expect(bytes == [0, 0, 0, 0, 0, 0, 0, 0] + [2, 0, 0, 0, 0, 0, 0, 0, 0x61, 0x62])
    }
}
