import WireCoding

/// The header of a frame, the eight bytes before its payload: `u8 type, u8 flags, u16 length, u32 stream`.
struct FrameHeader {
    var type: UInt8
    var flags: UInt8
    var length: Int
    var stream: UInt32

    /// The size of the header, in bytes.
    static let count = 8

    /// The longest payload that a frame can have, in bytes.
    static let maxPayload = 0xFFFF

    init(_ type: FrameType, flags: UInt8 = 0, length: Int, stream: UInt32 = 0) {
        self.type = type.rawValue
        self.flags = flags
        self.length = length
        self.stream = stream
    }

    /// Parses a header; the result is `nil` if there are fewer than eight bytes.
    @inline(__always)
    init?(_ reader: inout ByteReader) {
        guard let bytes = reader.bytes(Self.count) else { return nil }
        type = bytes[0]
        flags = bytes[1]
        length = Int(bytes[2]) << 8 | Int(bytes[3])
        stream = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    }

    /// Writes the header.
    @inline(__always)
    func write(at base: UnsafeMutableRawPointer) {
        base.storeBytes(of: type, as: UInt8.self)
        base.storeBytes(of: flags, toByteOffset: 1, as: UInt8.self)
        base.storeBytes(of: UInt16(truncatingIfNeeded: length).bigEndian, toByteOffset: 2, as: UInt16.self)
        base.storeBytes(of: stream.bigEndian, toByteOffset: 4, as: UInt32.self)
    }
}

extension [UInt8] {
    /// Appends a whole frame.
    mutating func append(
        frame type: FrameType,
        flags: UInt8 = 0,
        stream: UInt32 = 0,
        payload: some Collection<UInt8>
    ) {
        append(type.rawValue)
        append(flags)
        append(bigEndian: UInt16(payload.count))
        append(bigEndian: stream)
        append(contentsOf: payload)
    }

    /// Appends a whole frame whose payload is one integer.
    mutating func append<T: FixedWidthInteger>(
        frame type: FrameType,
        flags: UInt8 = 0,
        stream: UInt32 = 0,
        value: T
    ) {
        append(type.rawValue)
        append(flags)
        append(bigEndian: UInt16(MemoryLayout<T>.size))
        append(bigEndian: stream)
        append(bigEndian: value)
    }
}
