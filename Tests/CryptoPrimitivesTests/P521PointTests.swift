import CryptoPrimitives
import Dispatch
import Synchronization
import Testing

struct P521PointTests {
    /// The field's prime p = 2^521 - 1.
    private static let prime = [0x01] + [UInt8](repeating: 0xFF, count: 65)

    private func scalar(_ value: UInt8) throws -> P521.Scalar {
        try P521.Scalar(SecretBytes([UInt8](repeating: 0, count: 65) + [value]))
    }

    private func randomScalar() throws -> P521.Scalar {
        try #require(P521.Scalar(maskedRandom: SystemRandom.secretBytes(count: P521.scalarCount)))
    }

    /// The point with p added to one coordinate: the same residue, in an encoding that must be rejected.
    private func addingPrime(to encoded: [UInt8], at offset: Int) -> [UInt8] {
        var bytes = encoded
        var carry = 0
        for index in (0..<66).reversed() {
            let sum = Int(bytes[offset + index]) + Int(Self.prime[index]) + carry
            bytes[offset + index] = UInt8(sum & 0xFF)
            carry = sum >> 8
        }
        return bytes
    }

    // MARK: Decoding

    @Test func onlyTheUncompressedFormIsAccepted() throws {
        let encoded = try P521.Point.generator(times: scalar(3)).encoded()
        #expect(encoded.count == P521.pointCount)
        #expect(try P521.Point(encoded: encoded).encoded() == encoded)
        #expect(try encoded.withUnsafeBytes { try P521.Point(encoded: $0) }.encoded() == encoded)

        let parity = encoded[132] & 1
        let refused: [[UInt8]] = [
            [], [0], [4], [UInt8](encoded.dropLast()), encoded + [0], [UInt8](encoded.dropFirst()),
            [2 + parity] + encoded[1..<67], [3 - parity] + encoded[1..<67],
            [2 + parity] + encoded[1..<133], [6 + parity] + encoded[1..<133], [7 - parity] + encoded[1..<133],
        ]
        for bytes in refused {
            #expect(throws: CryptoFailure(operation: "P-521 point", reason: "not an uncompressed point")) {
                try P521.Point(encoded: bytes)
            }
        }
        for first in UInt8.min...UInt8.max where first != 4 {
            #expect(throws: CryptoFailure.self, "first byte \(first)") {
                try P521.Point(encoded: [first] + encoded.dropFirst())
            }
        }
    }

    @Test func aPointOffTheCurveIsRefused() throws {
        let encoded = try P521.Point.generator(times: scalar(3)).encoded()
        for bit in 0..<(132 * 8) {
            var other = encoded
            other[1 + bit / 8] ^= 1 << (bit % 8)
            #expect(throws: CryptoFailure.self, "bit \(bit)") { try P521.Point(encoded: other) }
        }
        #expect(throws: CryptoFailure.self) {
            try P521.Point(encoded: [4] + [UInt8](repeating: 0, count: 132))
        }
    }

    @Test func aCoordinateThatIsNotBelowThePrimeIsRefused() throws {
        for value in UInt8(1)...20 {
            let encoded = try P521.Point.generator(times: scalar(value)).encoded()
            #expect(throws: CryptoFailure.self) { try P521.Point(encoded: addingPrime(to: encoded, at: 1)) }
            #expect(throws: CryptoFailure.self) { try P521.Point(encoded: addingPrime(to: encoded, at: 67)) }
        }
        let zeroX = [4] + Self.prime + [UInt8](repeating: 0, count: 66)
        #expect(throws: CryptoFailure.self) { try P521.Point(encoded: zeroX) }
    }

    @Test func aCompressedConstantIsThePointItStandsFor() throws {
        var parities: Set<UInt8> = []
        for value in UInt8(1)...20 {
            let encoded = try P521.Point.generator(times: scalar(value)).encoded()
            let parity = encoded[132] & 1
            let constant = P521.Point(compressedConstant: [2 + parity] + encoded[1..<67])
            #expect(try constant.encoded() == encoded)
            let mirrored = P521.Point(compressedConstant: [3 - parity] + encoded[1..<67])
            #expect(mirrored.plus(constant).isIdentity)
            parities.insert(parity)
        }
        #expect(parities == [0, 1])
    }

    // MARK: Arithmetic

    @Test func bothSidesOfAnExchangeAgree() throws {
        for _ in 0..<20 {
            let a = try randomScalar()
            let b = try randomScalar()
            let sent = try P521.Point.generator(times: a).encoded()
            let answered = try P521.Point.generator(times: b).encoded()
            let mine = try P521.Point(encoded: answered).times(a)
            let theirs = try P521.Point(encoded: sent).times(b)
            #expect(try mine.encoded() == theirs.encoded())
        }
    }

    @Test func sumsAndDifferencesFollowTheScalars() throws {
        let two = try P521.Point.generator(times: scalar(2))
        let three = try P521.Point.generator(times: scalar(3))
        let five = try P521.Point.generator(times: scalar(5))
        #expect(try two.plus(three).encoded() == five.encoded())
        #expect(try five.minus(three).encoded() == two.encoded())
        #expect(try two.plus(two).minus(two).encoded() == two.encoded())
        #expect(try three.times(scalar(5)).encoded() == five.times(scalar(3)).encoded())
        // No operation changed its operands.
        #expect(try two.plus(three).encoded() == five.encoded())
    }

    @Test func theDifferenceOfEqualPointsIsTheIdentityAndHasNoBytes() throws {
        let k = try randomScalar()
        let point = P521.Point.generator(times: k)
        let identity = point.minus(P521.Point.generator(times: k))
        #expect(!point.isIdentity)
        #expect(identity.isIdentity)
        #expect(throws: CryptoFailure(operation: "P-521 point", reason: "the identity has no bytes")) {
            try identity.encoded()
        }
        #expect(identity.times(k).isIdentity)
        #expect(try identity.plus(point).encoded() == point.encoded())
        #expect(try point.minus(identity).encoded() == point.encoded())
        #expect(identity.minus(identity).isIdentity)
    }

    @Test func theLargestScalarGivesTheNegatedGenerator() throws {
        let one = try P521.Point.generator(times: scalar(1))
        let last = try P521.Scalar(SecretBytes(P521ScalarTests.order(plus: -1)))
        let opposite = P521.Point.generator(times: last)
        #expect(try opposite.encoded()[1..<67] == one.encoded()[1..<67])
        #expect(try opposite.encoded() != one.encoded())
        #expect(opposite.plus(one).isIdentity)
        #expect(one.times(last).plus(one).isIdentity)
    }

    @Test func threadsCanShareTheGroup() throws {
        let secret = try randomScalar().bytes
        let expected = try P521.Point.generator(times: P521.Scalar(secret)).encoded()
        let results = Mutex<[[UInt8]]>([])
        DispatchQueue.concurrentPerform(iterations: 32) { _ in
            // A scalar and its points belong to one thread; so each thread gets only bytes.
            guard let mine = try? P521.Scalar(secret),
                let encoded = try? P521.Point.generator(times: mine).encoded()
            else { return }
            results.withLock { $0.append(encoded) }
        }
        #expect(results.withLock { $0 } == [[UInt8]](repeating: expected, count: 32))
    }
}
