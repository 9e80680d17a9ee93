import CryptoPrimitives
import Testing

struct P521ScalarTests {
    /// The order n of the group (FIPS 186-4, section D.1.2.5).
    static let order: Hex =
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"

    /// The order plus a small difference, which changes only its last byte: it neither carries nor borrows.
    static func order(plus difference: Int) -> [UInt8] {
        var bytes = order.bytes
        bytes[65] = UInt8(Int(bytes[65]) + difference)
        return bytes
    }

    private static func number(_ value: UInt8) -> [UInt8] {
        [UInt8](repeating: 0, count: 65) + [value]
    }

    @Test func onlyNumbersFromOneToTheOrderMinusOneAreScalars() throws {
        #expect(try P521.Scalar(SecretBytes(Self.number(1))).bytes.exposed == Self.number(1))
        #expect(try P521.Scalar(SecretBytes(Self.order(plus: -1))).bytes.exposed == Self.order(plus: -1))
        let outside = [
            Self.number(0), Self.order(plus: 0), Self.order(plus: 1), [2] + [UInt8](repeating: 0, count: 65),
            [UInt8](repeating: 0xFF, count: 66),
        ]
        for bytes in outside {
            #expect(throws: CryptoFailure(operation: "P-521 scalar", reason: "zero, or not below the order"))
            {
                try P521.Scalar(SecretBytes(bytes))
            }
        }
    }

    @Test(arguments: [0, 1, 65, 67, 132]) func aScalarOfTheWrongLengthIsRefused(count: Int) {
        #expect(throws: CryptoFailure(operation: "P-521 scalar", reason: "\(count) bytes instead of 66")) {
            try P521.Scalar(SecretBytes([UInt8](repeating: 1, count: count)))
        }
    }

    @Test func aWideNumberIsReducedModuloTheOrder() throws {
        let wide = SecretBytes([UInt8](0xA0..<0xA0 + 82))
        let remainder: Hex =
            "00b1b2b3b4b5b6b7b8b9babbbcbdbebfc28a13e4a34b9ef28bc36d87143a5625a309fdd0895667accebd50ea9460108cb39cce902375bc25c87a7021834c33cd7a59"
        #expect(try P521.Scalar(reducing: wide).bytes.exposed == remainder.bytes)

        let zeros = [UInt8](repeating: 0, count: 16)
        #expect(
            try P521.Scalar(reducing: SecretBytes(zeros + Self.number(5))).bytes.exposed == Self.number(5)
        )
        #expect(
            try P521.Scalar(reducing: SecretBytes(zeros + Self.order(plus: 7))).bytes.exposed
                == Self.number(7)
        )
        // 2^16 times n, plus 9.
        var multiple = [UInt8](repeating: 0, count: 14) + Self.order.bytes + [0, 9]
        #expect(try P521.Scalar(reducing: SecretBytes(multiple)).bytes.exposed == Self.number(9))
        multiple[multiple.endIndex - 1] = 0
        #expect(throws: CryptoFailure.self) { try P521.Scalar(reducing: SecretBytes(multiple)) }
        #expect(throws: CryptoFailure.self) {
            try P521.Scalar(reducing: SecretBytes([UInt8](repeating: 0, count: 82)))
        }
    }

    @Test(arguments: [0, 66, 73, 1025]) func aWideNumberOfTheWrongLengthIsRefused(count: Int) {
        #expect(throws: CryptoFailure.self) {
            try P521.Scalar(reducing: SecretBytes([UInt8](repeating: 1, count: count)))
        }
    }

    @Test func randomBytesAreMaskedTo521Bits() throws {
        let random = [0xFE] + [UInt8](repeating: 0x77, count: 65)
        let low = try #require(P521.Scalar(maskedRandom: SecretBytes(random)))
        #expect(low.bytes.exposed == [0] + [UInt8](repeating: 0x77, count: 65))
        let high = try #require(P521.Scalar(maskedRandom: SecretBytes([0x7F] + random.dropFirst())))
        #expect(high.bytes.exposed == [1] + [UInt8](repeating: 0x77, count: 65))
        #expect(P521.Scalar(maskedRandom: SecretBytes([0xFE] + [UInt8](repeating: 0, count: 65))) == nil)
        #expect(P521.Scalar(maskedRandom: SecretBytes([UInt8](repeating: 0xFF, count: 66))) == nil)
        #expect(
            P521.Scalar(
                maskedRandom: SecretBytes([0xFE | Self.order.bytes[0]] + Self.order.bytes.dropFirst())
            ) == nil
        )
        for _ in 0..<200 {
            #expect(P521.Scalar(maskedRandom: try SystemRandom.secretBytes(count: 66)) != nil)
        }
    }
}
