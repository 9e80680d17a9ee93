import COpenSSL

extension P521 {
    /// A secret number k with 0 < k < n, where n is the order of the group.
    ///
    /// Never reduced silently: libcrypto always multiplies by a number in that range, for which its code takes the same time for
    /// every value. Cleansed when the last reference is released. Confined to one thread at a time.
    package final class Scalar {
        /// The number, big-endian in 66 bytes, left-padded with zeros.
        package let bytes: SecretBytes

        /// The number in libcrypto's representation.
        let number: OpaquePointer

        /// Uses a number as it is, without reducing it.
        ///
        /// - Parameter bytes: Exactly 66 bytes, big-endian.
        /// - Throws: ``CryptoFailure`` for another length, for 0, and for n or more.
        package init(_ bytes: SecretBytes) throws(CryptoFailure) {
            guard bytes.count == scalarCount else {
                throw CryptoFailure(
                    operation: "P-521 scalar",
                    reason: "\(bytes.count) bytes instead of \(scalarCount)"
                )
            }
            guard bytes.withUnsafeBytes({ ConstantTime.isPositive($0, below: order) }) else {
                throw CryptoFailure(operation: "P-521 scalar", reason: "zero, or not below the order")
            }
            self.bytes = bytes
            self.number = Self.number(from: bytes)
        }

        /// Reduces a wide number modulo n.
        ///
        /// With 82 bytes the remainder is uniform except for a bias of 2^-135.
        ///
        /// - Parameter wide: At least 74 bytes, big-endian: 64 bits more than n. With fewer bytes the bias would begin to matter
        ///   (RFC 9383, section 3.2).
        /// - Throws: ``CryptoFailure`` for fewer bytes, and for a multiple of n.
        package convenience init(reducing wide: SecretBytes) throws(CryptoFailure) {
            guard (74...1024).contains(wide.count) else {
                throw CryptoFailure(
                    operation: "P-521 scalar",
                    reason: "\(wide.count) bytes are not a wide number"
                )
            }
            let number = Self.number(from: wide)
            defer { BN_clear_free(number) }
            let remainder = SecretBytes(count: scalarCount) { output in
                let start = output.assumingMemoryBound(to: UInt8.self).baseAddress
                NumberScratch.run("BN_div") { context in
                    BN_CTX_start(context)
                    defer { BN_CTX_end(context) }
                    guard let remainder = BN_CTX_get(context) else { return 0 }
                    BN_set_flags(remainder, BN_FLG_CONSTTIME)
                    guard BN_div(nil, remainder, number, EC_GROUP_get0_order(group), context) == 1,
                        BN_bn2binpad(remainder, start, Int32(scalarCount)) == scalarCount
                    else { return 0 }
                    return 1
                }
            }
            try self.init(remainder)
        }

        /// Uses random bytes after clearing the top seven bits, those above the 521 bits of the number.
        ///
        /// Nil for 0 and for n or more, which happens about once in 2^260 draws; the caller then draws again.
        ///
        /// - Parameter random: Exactly 66 random bytes; another length is a programming error.
        package convenience init?(maskedRandom random: SecretBytes) {
            precondition(random.count == scalarCount, "a scalar is drawn from 66 bytes")
            let masked = SecretBytes(count: scalarCount) { output in
                random.withUnsafeBytes { output.copyMemory(from: $0) }
                output[0] &= 1
            }
            guard masked.withUnsafeBytes({ ConstantTime.isPositive($0, below: order) }) else { return nil }
            try? self.init(masked)
        }

        deinit { BN_clear_free(number) }

        /// Creates a number that libcrypto treats as secret, in the secure heap while it has room.
        private static func number(from bytes: SecretBytes) -> OpaquePointer {
            let secure = sly_numbers_fit_secure_heap() == 1 ? BN_secure_new() : nil
            if let secure {
                if read(bytes, into: secure) { return secure }
                BN_clear_free(secure)
                ERR_clear_error()
            }
            guard let ordinary = BN_new(), read(bytes, into: ordinary) else {
                CryptoFailure.trap("BN_bin2bn")
            }
            return ordinary
        }

        private static func read(_ bytes: SecretBytes, into number: OpaquePointer) -> Bool {
            BN_set_flags(number, BN_FLG_CONSTTIME)
            return bytes.withUnsafeBytes { bytes in
                let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
                return BN_bin2bn(start, Int32(bytes.count), number) != nil
            }
        }
    }
}
