package import Vocabulary
import WireCoding

/// The four bytes before every record: authenticated with it, but not encrypted (PROTOCOL.md, Records).
package enum RecordHeader {
    /// The size of the header: the kind, and the length of the ciphertext with its tag.
    package static let count = 4
    /// The size of the authentication tag at the end of a record.
    package static let tagCount = 16
    /// The maximum plaintext of a record in the protocol, in bytes.
    package static let maxPlaintext = 65536
    /// The number of bytes that a record adds to its plaintext.
    package static let overhead = count + tagCount
    /// The kind of a record of ordinary traffic.
    package static let traffic: UInt8 = 0xD1

    /// Writes the header of a record with `plaintextCount` bytes of plaintext.
    package static func write(plaintextCount: Int, at base: UnsafeMutableRawPointer) {
        var writer = ByteWriter(UnsafeMutableRawBufferPointer(start: base, count: count))
        writer.uint8(traffic)
        writer.uint24(plaintextCount + tagCount)
    }

    /// The length of the record at `base`, header included; only for records that this end sealed itself.
    static func recordCount(at base: UnsafeRawPointer) -> Int {
        let bytes = UnsafeRawBufferPointer(start: base, count: count)
        return count + (Int(bytes[1]) << 16 | Int(bytes[2]) << 8 | Int(bytes[3]))
    }

    /// Parses the header at the front of the received bytes.
    ///
    /// - Returns: the length of the whole record, or `nil` while the header is not complete.
    package static func measure(
        _ bytes: UnsafeRawBufferPointer,
        maxPlaintext: Int
    ) throws(LinkFault) -> Int? {
        guard let kind = bytes.first else { return nil }
        guard kind == traffic else { throw .unknownKind(kind) }
        guard bytes.count >= count else { return nil }
        let length = Int(bytes[1]) << 16 | Int(bytes[2]) << 8 | Int(bytes[3])
        guard length > tagCount, length <= maxPlaintext + tagCount else { throw .recordLength(length) }
        return count + length
    }
}
