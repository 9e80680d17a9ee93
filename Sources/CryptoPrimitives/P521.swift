import COpenSSL

/// Arithmetic on the curve secp521r1 (NIST P-521).
///
/// As much of it as a password-authenticated key exchange and a Diffie-Hellman need.
///
/// The group's order n is prime and its cofactor is 1, so every point on the curve but the identity generates
/// the whole group, and "on the curve" is all there is to check about a point from a stranger.
///
/// ``Scalar`` and ``Point`` are confined to one thread at a time. What crosses threads is their bytes.
package enum P521 {
    /// How many bytes a scalar or a coordinate has.
    package static let scalarCount = 66

    /// How many bytes an encoded point has: 04, then x and y.
    package static let pointCount = 133

    /// The group, named rather than built from parameters.
    ///
    /// Only the named one runs libcrypto's constant-time code for this curve, and six times as fast.
    ///
    /// `nonisolated(unsafe)` because it is never changed after it is made, and libcrypto only reads it then.
    nonisolated(unsafe) static let group: OpaquePointer = {
        sly_prepare()
        guard let group = EC_GROUP_new_by_curve_name(NID_secp521r1) else {
            CryptoFailure.trap("EC_GROUP_new_by_curve_name")
        }
        return group
    }()

    /// The order n, big-endian in 66 bytes.
    static let order: [UInt8] = {
        var bytes = [UInt8](repeating: 0, count: scalarCount)
        guard BN_bn2binpad(EC_GROUP_get0_order(group), &bytes, Int32(scalarCount)) == scalarCount else {
            CryptoFailure.trap("BN_bn2binpad")
        }
        return bytes
    }()
}
