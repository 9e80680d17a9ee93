import COpenSSL

/// Key derivation in two steps (RFC 5869): concentrate what is secret, then draw keys from it.
///
/// Safe from any thread.
package enum HKDF {
    /// Concentrates `input` into one uniformly random key (RFC 5869, section 2.2).
    ///
    /// - Parameters:
    ///   - function: The hash function; SHA-512 unless told otherwise.
    ///   - salt: Need not be secret; empty stands for as many zero bytes as a digest has.
    ///   - input: The secret to draw from, of any length.
    /// - Returns: The key, as long as the function's digest.
    package static func extract(
        _ function: HashFunction = .sha512,
        salt: [UInt8],
        input: SecretBytes
    ) -> SecretBytes {
        salt.withUnsafeBytes { extract(function, salt: $0, input: input) }
    }

    /// Concentrates `input` under a salt that is itself a secret, which both then protect.
    ///
    /// - Parameters:
    ///   - function: The hash function; SHA-512 unless told otherwise.
    ///   - salt: Empty stands for as many zero bytes as a digest has.
    ///   - input: The secret to draw from, of any length.
    /// - Returns: The key, as long as the function's digest.
    package static func extract(
        _ function: HashFunction = .sha512,
        salt: SecretBytes,
        input: SecretBytes
    ) -> SecretBytes {
        salt.withUnsafeBytes { extract(function, salt: $0, input: input) }
    }

    /// Draws key material for one purpose from a uniformly random key (RFC 5869, section 2.3).
    ///
    /// - Parameters:
    ///   - function: The hash function; SHA-512 unless told otherwise.
    ///   - key: What ``extract(_:salt:input:)-(_,[UInt8],_)`` gave, or a key as good.
    ///   - info: Names the purpose; different purposes give unrelated results.
    ///   - count: How many bytes to draw, from 1 to 255 digests.
    /// - Returns: The key material.
    /// - Throws: ``CryptoFailure`` for a count outside that range.
    package static func expand(
        _ function: HashFunction = .sha512,
        key: SecretBytes,
        info: [UInt8],
        count: Int
    ) throws(CryptoFailure) -> SecretBytes {
        guard (1...255 * function.digestCount).contains(count) else {
            throw CryptoFailure(operation: "HKDF-Expand", reason: "\(count) bytes cannot be drawn")
        }
        return SecretBytes(count: count) { output in
            let done = key.withUnsafeBytes { key in
                info.withUnsafeBytes { info in
                    sly_hkdf_expand(
                        function.index,
                        key.baseAddress,
                        key.count,
                        info.baseAddress,
                        info.count,
                        output.baseAddress,
                        output.count
                    )
                }
            }
            guard done == 1 else { CryptoFailure.trap("EVP_MAC_init") }
        }
    }

    private static func extract(
        _ function: HashFunction,
        salt: UnsafeRawBufferPointer,
        input: SecretBytes
    ) -> SecretBytes {
        SecretBytes(count: function.digestCount) { output in
            input.withUnsafeBytes { HMAC.write(function, key: salt, message: $0, to: output) }
        }
    }
}
