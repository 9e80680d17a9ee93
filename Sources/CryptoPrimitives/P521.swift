import COpenSSL

/// Arithmetic on the curve secp521r1 (NIST P-521).
///
/// It covers the needs of a password-authenticated key exchange and of Diffie-Hellman.
///
/// The group's order n is prime and its cofactor is 1, so every point on the curve except the identity generates the whole
/// group. It is therefore enough to check that a received point is on the curve.
///
/// ``Scalar`` and ``Point`` are confined to one thread at a time. Threads exchange their bytes instead.
package enum P521 {
    /// The length of a scalar or a coordinate, in bytes.
    package static let scalarCount = 66

    /// The length of an encoded point, in bytes: 04, then x and y.
    package static let pointCount = 133

    /// The group, created by name and not from parameters.
    ///
    /// libcrypto runs its constant-time code for this curve only for the named group; that code is also six times as fast.
    ///
    /// `nonisolated(unsafe)` because it never changes after it is created, and libcrypto then only reads it.
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
