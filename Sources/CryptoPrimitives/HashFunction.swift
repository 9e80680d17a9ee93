import COpenSSL

/// The hash functions in use (FIPS 180-4).
package enum HashFunction: Sendable {
    /// SHA-256, 32 bytes.
    case sha256
    /// SHA-512, 64 bytes; the default everywhere.
    case sha512

    /// The length of a digest, in bytes.
    package var digestCount: Int {
        switch self {
        case .sha256: 32
        case .sha512: 64
        }
    }

    /// The index of the function on the C side.
    var index: Int32 {
        switch self {
        case .sha256: Int32(SLY_SHA256)
        case .sha512: Int32(SLY_SHA512)
        }
    }
}
