import Testing

@testable import Tunnel

@Suite struct TextTests {
    @Test(arguments: [
        (UInt64(0), "0B"), (1023, "1023B"), (1024, "1.0KiB"), (1229, "1.2KiB"), (3_565_158, "3.4MiB"),
        (1 << 40, "1.0TiB"), (.max, "16.0EiB"),
    ]) func aCountOfBytesIsShort(count: UInt64, text: String) {
        #expect(ByteCountText(count).description == text)
    }

    @Test(arguments: [
        (UInt64(0), "0.0ms"), (1_700_000, "1.7ms"), (999_000_000, "999.0ms"), (2_510_000_000, "2.51s"),
        (3_600_000_000_000, "3600.00s"),
    ]) func aTimeIsShort(nanoseconds: UInt64, text: String) {
        #expect(TimeText(.nanoseconds(Int64(clamping: nanoseconds))).description == text)
    }
}
