import COpenSSL

/// Randomness from libcrypto's generators, which the operating system seeds.
///
/// There are two generators per thread, one for public values (nonces) and one for secrets (keys), so that a weakness which
/// public values reveal does not affect keys. Safe from any thread.
package enum SystemRandom {
    /// Fills a buffer with random bytes that are fit for keys.
    ///
    /// - Throws: ``CryptoFailure`` if the generator cannot be seeded; the buffer must then not be used.
    package static func fill(_ bytes: UnsafeMutableRawBufferPointer) throws(CryptoFailure) {
        let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
        guard bytes.count <= Int32.max, RAND_priv_bytes(start, Int32(bytes.count)) == 1 else {
            throw CryptoFailure(draining: "RAND_priv_bytes")
        }
    }

    /// Creates a random secret.
    ///
    /// - Throws: ``CryptoFailure`` if the generator cannot be seeded.
    package static func secretBytes(count: Int) throws(CryptoFailure) -> SecretBytes {
        try SecretBytes(count: count, filledBy: fill)
    }

    /// Creates random bytes that others may see, such as a nonce.
    ///
    /// - Throws: ``CryptoFailure`` if the generator cannot be seeded, or if `count` is not a 32-bit
    ///   length.
    package static func bytes(count: Int) throws(CryptoFailure) -> [UInt8] {
        guard count >= 0, let length = Int32(exactly: count) else {
            throw CryptoFailure(operation: "RAND_bytes", reason: "\(count) bytes cannot be drawn")
        }
        var done: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            done = RAND_bytes(buffer.baseAddress, length)
            initializedCount = done == 1 ? count : 0
        }
        guard done == 1 else { throw CryptoFailure(draining: "RAND_bytes") }
        return bytes
    }
}
