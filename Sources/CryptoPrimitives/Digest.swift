import COpenSSL

/// A hash that receives its input piece by piece.
///
/// Owns one EVP_MD_CTX, which is cleansed on release. Confined to one thread at a time.
package struct DigestContext: ~Copyable {
    private let context: OpaquePointer
    private let function: HashFunction

    /// Starts a new hash.
    package init(_ function: HashFunction) {
        guard let context = EVP_MD_CTX_new(),
            EVP_DigestInit_ex2(context, sly_digest(function.index), nil) == 1
        else { CryptoFailure.trap("EVP_DigestInit_ex2") }
        self.context = context
        self.function = function
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Appends bytes to the input of the hash.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else {
            CryptoFailure.trap("EVP_DigestUpdate")
        }
    }

    /// Ends the hash and returns the digest, of ``HashFunction/digestCount`` bytes.
    package consuming func finalize() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: function.digestCount) { buffer, initializedCount in
            guard EVP_DigestFinal_ex(context, buffer.baseAddress, nil) == 1 else {
                CryptoFailure.trap("EVP_DigestFinal_ex")
            }
            initializedCount = function.digestCount
        }
    }
}

/// Hashes of input that is available as one piece, or as a few pieces in sequence.
///
/// The parts are concatenated without separators: a caller for whom the borders matter must put lengths between them.
package enum Digest {
    /// The SHA-256 digest of the concatenated parts, 32 bytes.
    package static func sha256(_ parts: [UInt8]...) -> [UInt8] {
        joined(parts, .sha256)
    }

    /// The SHA-256 digest of a buffer, 32 bytes.
    package static func sha256(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        whole(bytes, .sha256)
    }

    /// The SHA-512 digest of the concatenated parts, 64 bytes.
    package static func sha512(_ parts: [UInt8]...) -> [UInt8] {
        joined(parts, .sha512)
    }

    /// The SHA-512 digest of a buffer, 64 bytes.
    package static func sha512(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        whole(bytes, .sha512)
    }

    private static func joined(_ parts: [[UInt8]], _ function: HashFunction) -> [UInt8] {
        var context = DigestContext(function)
        for part in parts {
            part.withUnsafeBytes { context.update($0) }
        }
        return context.finalize()
    }

    private static func whole(_ bytes: UnsafeRawBufferPointer, _ function: HashFunction) -> [UInt8] {
        var context = DigestContext(function)
        context.update(bytes)
        return context.finalize()
    }
}
