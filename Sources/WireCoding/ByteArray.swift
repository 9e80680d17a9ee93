/// Appends integers in network byte order to a growing array; for messages that are built once per link, not once per record.
extension [UInt8] {
    /// Appends the bytes of `value`, most significant first.
    package mutating func append<T: FixedWidthInteger>(bigEndian value: T) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    /// Appends the bytes of `value`, least significant first (the length prefixes of RFC 9383, section 3.3).
    package mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    /// Appends the length of `bytes` in eight bytes, least significant first (`le64` of RFC 9383), then the bytes.
    package mutating func append(lengthPrefixed bytes: some Collection<UInt8>) {
        append(littleEndian: UInt64(bytes.count))
        append(contentsOf: bytes)
    }
}
