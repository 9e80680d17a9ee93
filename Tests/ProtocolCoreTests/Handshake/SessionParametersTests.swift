import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

@Suite struct SessionParametersTests {
    @Test func parametersAreReadBackAsWritten() {
        for parameters in [
            SessionParameters(),
            SessionParameters(
                maxRecord: 1024,
                streamWindow: 0,
                sessionWindow: 0,
                maxStreams: 0,
                idleSeconds: 0,
                features: []
            ),
            SessionParameters(
                maxRecord: 65536,
                streamWindow: .max,
                sessionWindow: .max,
                maxStreams: .max,
                idleSeconds: .max,
                features: SessionFeatures(rawValue: .max)
            ),
        ] {
            #expect(parameters.encoded.count == 24)
            #expect(read(parameters.encoded) == parameters)
        }
    }

    @Test func aRecordSizeOutOfRangeIsRefused() {
        for size in [0, 1, 1023, 65537, 1 << 31, UInt32.max] {
            #expect(read(SessionParameters(maxRecord: size).encoded) == nil)
        }
        for size in [1024, 1025, 65535, 65536] as [UInt32] {
            #expect(read(SessionParameters(maxRecord: size).encoded)?.maxRecord == size)
        }
    }

    @Test func aWrongLengthOrAReservedBitIsRefused() {
        let whole = SessionParameters().encoded
        for count in 0..<24 { #expect(read(Array(whole.prefix(count))) == nil) }
        #expect(read(whole + [0]) == nil)
        for bit in 0..<16 {
            #expect(read(whole.setting(18 + bit / 8, 1 << UInt8(bit % 8))) == nil)
        }
    }

    private func read(_ bytes: [UInt8]) -> SessionParameters? {
        bytes.withUnsafeBytes { SessionParameters($0) }
    }
}
