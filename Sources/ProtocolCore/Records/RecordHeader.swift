package import Vocabulary
import WireCoding

/// The four bytes before every record, which are authenticated with it but readable by everyone
/// (PROTOCOL.md, Records).
package enum RecordHeader {
    /// Kind and length of the ciphertext with its tag.
    package static let count = 4
    /// The authentication tag at a record's end.
    package static let tagCount = 16
    /// The most plaintext that the protocol allows in a record.
    package static let maxPlaintext = 65536
    /// What a record adds to its plaintext.
    package static let overhead = count + tagCount
    /// Ordinary traffic.
    package static let traffic: UInt8 = 0xD1

    /// Writes the header of a record with that many bytes of plaintext.
    package static func write(plaintextCount: Int, at base: UnsafeMutableRawPointer) {
        var writer = ByteWriter(UnsafeMutableRawBufferPointer(start: base, count: count))
        writer.uint8(traffic)
        writer.uint24(plaintextCount + tagCount)
    }

    /// How long the record at `base` is, header included; only for records that we sealed ourselves.
    static func recordCount(at base: UnsafeRawPointer) -> Int {
        let bytes = UnsafeRawBufferPointer(start: base, count: count)
        return count + (Int(bytes[1]) << 16 | Int(bytes[2]) << 8 | Int(bytes[3]))
    }

    /// Looks at the front of what has come.
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
