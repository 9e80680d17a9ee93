import COpenSSL

/// Key derivation in two steps (RFC 5869): extract one key from a secret, then expand it into further keys.
///
/// Safe from any thread.
package enum HKDF {
    /// Extracts one uniformly random key from `input` (RFC 5869, section 2.2).
    ///
    /// - Parameters:
    ///   - function: The hash function; SHA-512 by default.
    ///   - salt: Need not be secret; an empty salt means zero bytes in the length of a digest.
    ///   - input: The secret, of any length.
    /// - Returns: The key, as long as the function's digest.
    package static func extract(
        _ function: HashFunction = .sha512,
        salt: [UInt8],
        input: SecretBytes
    ) -> SecretBytes {
        salt.withUnsafeBytes { extract(function, salt: $0, input: input) }
    }

    /// Extracts a key from `input` under a salt that is itself a secret; the key is then protected by both.
    ///
    /// - Parameters:
    ///   - function: The hash function; SHA-512 by default.
    ///   - salt: An empty salt means zero bytes in the length of a digest.
    ///   - input: The secret, of any length.
    /// - Returns: The key, as long as the function's digest.
    package static func extract(
        _ function: HashFunction = .sha512,
        salt: SecretBytes,
        input: SecretBytes
    ) -> SecretBytes {
        salt.withUnsafeBytes { extract(function, salt: $0, input: input) }
    }

    /// Derives key material for one purpose from a uniformly random key (RFC 5869, section 2.3).
    ///
    /// - Parameters:
    ///   - function: The hash function; SHA-512 by default.
    ///   - key: The result of ``extract(_:salt:input:)-(_,[UInt8],_)``, or another uniformly random key.
    ///   - info: Names the purpose; different purposes give unrelated results.
    ///   - count: The number of bytes to derive, from 1 to 255 digests.
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
