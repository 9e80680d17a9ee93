import COpenSSL

/// Password stretching, which takes much time and memory on purpose.
///
/// It takes tenths of a second and a hundred megabytes at ordinary costs, so it runs on a thread of its own, and never at the
/// request of an unauthenticated client. Safe from any thread.
package enum PasswordHash {
    /// Stretches a password with scrypt (RFC 7914).
    ///
    /// - Parameters:
    ///   - password: The password's bytes, or an encoding of them; of any length.
    ///   - salt: Not secret.
    ///   - cost: The parameters.
    ///   - count: The number of bytes to derive, 1 or more.
    /// - Returns: The stretched password.
    /// - Throws: ``CryptoFailure`` if scrypt is not defined for the parameters, or if the memory is not
    ///   available.
    package static func scrypt(
        password: SecretBytes,
        salt: [UInt8],
        cost: ScryptCost,
        count: Int
    ) throws(CryptoFailure) -> SecretBytes {
        guard let memory = memory(of: cost), count > 0 else {
            throw CryptoFailure(operation: "scrypt", reason: "not defined for these parameters")
        }
        return try SecretBytes(count: count) { output throws(CryptoFailure) in
            let done = password.withUnsafeBytes { password in
                salt.withUnsafeBytes { salt in
                    EVP_PBE_scrypt(
                        password.baseAddress,
                        password.count,
                        salt.baseAddress,
                        salt.count,
                        UInt64(1) << cost.logN,
                        UInt64(cost.r),
                        UInt64(cost.p),
                        memory,
                        output.baseAddress,
                        output.count
                    )
                }
            }
            guard done == 1 else { throw CryptoFailure(draining: "EVP_PBE_scrypt") }
        }
    }

    /// The amount of memory that scrypt needs, which libcrypto takes as a limit; its default limit is 32 MiB.
    ///
    /// Nil outside `0 < logN < 16 · r` and `0 < r · p < 2^30` (RFC 7914, section 2), and beyond 64 bits.
    private static func memory(of cost: ScryptCost) -> UInt64? {
        let most = 1 << 30
        guard (1..<most).contains(cost.r), (1..<most).contains(cost.p), cost.r * cost.p < most,
            (1..<min(16 * cost.r, 63)).contains(cost.logN)
        else { return nil }
        // N blocks for the table, p blocks for the lanes, and two blocks of working memory.
        let blocks = (UInt64(1) << cost.logN) + UInt64(cost.p) + 2
        let (memory, overflow) = blocks.multipliedReportingOverflow(by: 128 * UInt64(cost.r))
        return overflow ? nil : memory
    }
}
