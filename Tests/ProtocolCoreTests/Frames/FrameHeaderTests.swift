import Testing
import WireCoding

@testable import ProtocolCore

@Suite struct FrameHeaderTests {
    @Test func aHeaderIsReadBackAsWritten() {
        for (length, stream) in [(0, UInt32(0)), (1, 1), (255, 256), (256, 0x0102_0304), (0xFFFF, .max)] {
            var bytes = [UInt8](repeating: 0xEE, count: 9)
            bytes.withUnsafeMutableBytes { space in
                guard let base = space.baseAddress else { return }
                FrameHeader(.window, flags: 5, length: length, stream: stream).write(at: base)
            }
            #expect(bytes[8] == 0xEE)
            bytes.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                let header = FrameHeader(&reader)
                #expect(header?.type == 3)
                #expect(header?.flags == 5)
                #expect(header?.length == length)
                #expect(header?.stream == stream)
                #expect(reader.remaining == 1)
            }
        }
    }

    @Test func anIncompleteHeaderIsNotRead() {
        let bytes = [UInt8](repeating: 2, count: 7)
        bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            expect(FrameHeader(&reader) == nil)
            #expect(reader.remaining == 7)
        }
    }
}
