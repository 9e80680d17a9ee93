package import CryptoPrimitives
package import ProtocolCore

/// A cipher that does not encrypt and whose tag anyone can compute.
///
/// With it, inputs of a fuzzer pass the tag check, and simulations are fast. It detects accidents only: a changed byte, a wrong
/// nonce or a wrong key.
package final class ChecksumCipher: RecordCipher {
    private let keyMark: UInt64

    package init(key: SecretBytes) {
        keyMark = key.withUnsafeBytes { Self.checksum($0) }
    }

    package func seal(_ record: UnsafeMutableRawBufferPointer, nonce: Nonce96) -> Bool {
        guard record.count >= RecordHeader.overhead else { return false }
        let body = record.count - RecordHeader.tagCount
        let tag = mark(UnsafeRawBufferPointer(rebasing: record[..<body]), nonce)
        withUnsafeBytes(of: tag) { bytes in
            for index in 0..<RecordHeader.tagCount { record[body + index] = bytes[index] }
        }
        return true
    }

    package func open(_ record: UnsafeMutableRawBufferPointer, nonce: Nonce96) -> Bool {
        guard record.count >= RecordHeader.overhead else { return false }
        let body = record.count - RecordHeader.tagCount
        let tag = mark(UnsafeRawBufferPointer(rebasing: record[..<body]), nonce)
        return withUnsafeBytes(of: tag) { bytes in
            (0..<RecordHeader.tagCount).allSatisfy { record[body + $0] == bytes[$0] }
        }
    }

    private func mark(_ bytes: UnsafeRawBufferPointer, _ nonce: Nonce96) -> (UInt64, UInt64) {
        let content = Self.checksum(bytes)
        let place = nonce.withUnsafeBytes { Self.checksum($0) }
        return (content ^ keyMark, place &+ content)
    }

    private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        var offset = 0
        while offset + 8 <= bytes.count {
            sum =
                (sum ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* 0x0000_0100_0000_01B3
            sum ^= sum >> 29
            offset += 8
        }
        while offset < bytes.count {
            sum = (sum ^ UInt64(bytes[offset])) &* 0x0000_0100_0000_01B3
            offset += 1
        }
        return sum
    }
}

/// Makes a ``ChecksumCipher`` for any suite.
package let checksumCiphers: RecordCipherMaker = { (_, key) throws(CryptoFailure) in ChecksumCipher(key: key)
}
