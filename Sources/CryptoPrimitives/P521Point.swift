import COpenSSL

extension P521 {
    /// A point of the curve, or the identity, which only subtraction can return.
    ///
    /// Immutable: every operation creates a new point. Cleansed when the last reference is released, because products
    /// are secret. Confined to one thread at a time.
    package final class Point {
        private let point: OpaquePointer

        /// Decodes a point from an unauthenticated peer.
        ///
        /// The length and the first byte are checked here, because libcrypto would also accept compressed, hybrid and
        /// one-byte identity encodings. libcrypto then checks both coordinates against the field and the curve's equation.
        ///
        /// - Parameter encoded: 133 bytes, uncompressed: 04, then x and y (SEC 1, section 2.3.4).
        /// - Throws: ``CryptoFailure`` for anything else.
        package convenience init(encoded: UnsafeRawBufferPointer) throws(CryptoFailure) {
            self.init()
            if let failure = admit(encoded) { throw failure }
        }

        /// Decodes a point from an unauthenticated peer.
        ///
        /// - Parameter encoded: 133 bytes, uncompressed: 04, then x and y (SEC 1, section 2.3.4).
        /// - Throws: ``CryptoFailure`` for anything else.
        package convenience init(encoded: [UInt8]) throws(CryptoFailure) {
            self.init()
            if let failure = encoded.withUnsafeBytes({ admit($0) }) { throw failure }
        }

        /// Decodes a constant of a specification that prints its points compressed, as RFC 9383 does with M and N.
        ///
        /// It computes a square root, which costs seventy times as much as decoding an uncompressed point. Do not use it for
        /// bytes from outside: anything but a point is a programming error and stops the process.
        ///
        /// - Parameter compressedConstant: 67 bytes: 02 or 03, then x.
        package convenience init(compressedConstant: [UInt8]) {
            precondition(
                compressedConstant.count == 1 + scalarCount && compressedConstant[0] | 1 == 3,
                "a compressed constant has 67 bytes and starts with 02 or 03"
            )
            self.init()
            guard compressedConstant.withUnsafeBytes({ decode($0) }) else {
                CryptoFailure.trap("EC_POINT_oct2point")
            }
        }

        private init() {
            guard let point = EC_POINT_new(group) else { CryptoFailure.trap("EC_POINT_new") }
            self.point = point
        }

        deinit { EC_POINT_clear_free(point) }

        // MARK: Arithmetic

        /// The generator of the group, multiplied by a secret; about half the work of multiplying any other point.
        package static func generator(times scalar: Scalar) -> Point {
            let product = Point()
            NumberScratch.run("EC_POINT_mul") { context in
                EC_POINT_mul(group, product.point, scalar.number, nil, nil, context)
            }
            return product
        }

        /// This point, multiplied by a secret.
        package func times(_ scalar: Scalar) -> Point {
            let product = Point()
            NumberScratch.run("EC_POINT_mul") { context in
                EC_POINT_mul(group, product.point, nil, point, scalar.number, context)
            }
            return product
        }

        /// The sum of two points.
        ///
        /// The time may depend on whether the points are equal or opposite; no secret of this protocol affects that.
        package func plus(_ other: Point) -> Point {
            let sum = Point()
            NumberScratch.run("EC_POINT_add") { context in
                EC_POINT_add(group, sum.point, point, other.point, context)
            }
            return sum
        }

        /// The difference of two points; the identity if they are equal.
        package func minus(_ other: Point) -> Point {
            let difference = Point()
            NumberScratch.run("EC_POINT_invert") { context in
                guard EC_POINT_copy(difference.point, other.point) == 1,
                    EC_POINT_invert(group, difference.point, context) == 1
                else { return 0 }
                return EC_POINT_add(group, difference.point, point, difference.point, context)
            }
            return difference
        }

        // MARK: Properties

        /// Whether this is the identity, which has no coordinates; an exchange in which it occurs must end.
        package var isIdentity: Bool { EC_POINT_is_at_infinity(group, point) == 1 }

        /// The point as 133 bytes: 04, then x and y.
        ///
        /// - Throws: ``CryptoFailure`` for the identity.
        package func encoded() throws(CryptoFailure) -> [UInt8] {
            guard !isIdentity else {
                throw CryptoFailure(operation: "P-521 point", reason: "the identity has no bytes")
            }
            return [UInt8](unsafeUninitializedCapacity: pointCount) { buffer, initializedCount in
                NumberScratch.run("EC_POINT_point2oct") { context in
                    let written = EC_POINT_point2oct(
                        group,
                        point,
                        POINT_CONVERSION_UNCOMPRESSED,
                        buffer.baseAddress,
                        pointCount,
                        context
                    )
                    return written == pointCount ? 1 : 0
                }
                initializedCount = pointCount
            }
        }

        /// Decodes only the encoding that a peer is allowed to send; returns the reason if that fails.
        private func admit(_ encoded: UnsafeRawBufferPointer) -> CryptoFailure? {
            guard encoded.count == pointCount, encoded.first == 4 else {
                return CryptoFailure(operation: "P-521 point", reason: "not an uncompressed point")
            }
            return decode(encoded) ? nil : CryptoFailure(draining: "EC_POINT_oct2point")
        }

        private func decode(_ bytes: UnsafeRawBufferPointer) -> Bool {
            let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
            return EC_POINT_oct2point(group, point, start, bytes.count, nil) == 1
        }
    }
}
