import COpenSSL

/// Message authentication codes (RFC 2104).
///
/// Safe from any thread.
package enum HMAC {
    /// Computes the code of a message.
    ///
    /// Compare codes with ``ConstantTime/areEqual(_:_:)-([UInt8],_)``, never with `==`.
    ///
    /// - Parameters:
    ///   - function: The hash function; SHA-512 by default.
    ///   - key: Of any length, including zero.
    ///   - message: Of any length, including zero.
    /// - Returns: The code, as long as the function's digest.
    package static func code(
        _ function: HashFunction = .sha512,
        key: SecretBytes,
        message: UnsafeRawBufferPointer
    ) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: function.digestCount) { buffer, initializedCount in
            let code = UnsafeMutableRawBufferPointer(buffer)
            key.withUnsafeBytes { write(function, key: $0, message: message, to: code) }
            initializedCount = function.digestCount
        }
    }

    /// Computes the code of a message.
    ///
    /// - Parameters:
    ///   - function: The hash function; SHA-512 by default.
    ///   - key: Of any length, including zero.
    ///   - message: Of any length, including zero.
    /// - Returns: The code, as long as the function's digest.
    package static func code(
        _ function: HashFunction = .sha512,
        key: SecretBytes,
        message: [UInt8]
    ) -> [UInt8] {
        message.withUnsafeBytes { code(function, key: key, message: $0) }
    }

    /// Writes the code into a buffer of exactly the digest's length, for codes that are themselves secret.
    static func write(
        _ function: HashFunction,
        key: UnsafeRawBufferPointer,
        message: UnsafeRawBufferPointer,
        to code: UnsafeMutableRawBufferPointer
    ) {
        precondition(code.count == function.digestCount, "a code is as long as its digest")
        let done = sly_hmac(
            function.index,
            key.baseAddress,
            key.count,
            message.baseAddress,
            message.count,
            code.baseAddress
        )
        guard done == 1 else { CryptoFailure.trap("EVP_MAC_init") }
    }
}
