/// Writes fixed-size integers and runs of bytes into the caller's memory; every integer is big-endian.
///
/// It is meant for data whose size is known before the first byte is written, such as the header of a frame or a record. Running
/// out of space is therefore a programming error and fails a precondition.
package struct ByteWriter {
    private let space: UnsafeMutableRawBufferPointer

    /// The number of bytes that have been written.
    package private(set) var count = 0

    /// Starts at the first byte of `space`.
    package init(_ space: UnsafeMutableRawBufferPointer) {
        self.space = space
    }

    /// Writes one byte.
    package mutating func uint8(_ value: UInt8) {
        precondition(count < space.count, "ByteWriter: out of space")
        space[count] = value
        count += 1
    }

    /// Writes two bytes, most significant first.
    package mutating func uint16(_ value: UInt16) {
        integer(value)
    }

    /// Writes the low 24 bits of `value`, most significant byte first.
    package mutating func uint24(_ value: Int) {
        precondition(value >= 0 && value < 1 << 24, "ByteWriter: not a 24-bit value")
        uint8(UInt8(truncatingIfNeeded: value >> 16))
        uint16(UInt16(truncatingIfNeeded: value))
    }

    /// Writes four bytes, most significant first.
    package mutating func uint32(_ value: UInt32) {
        integer(value)
    }

    /// Writes eight bytes, most significant first.
    package mutating func uint64(_ value: UInt64) {
        integer(value)
    }

    /// Writes a run of bytes as they are.
    package mutating func bytes(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= space.count - count, "ByteWriter: out of space")
        guard !bytes.isEmpty else { return }
        UnsafeMutableRawBufferPointer(rebasing: space[count...]).copyMemory(from: bytes)
        count += bytes.count
    }

    private mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        precondition(MemoryLayout<T>.size <= space.count - count, "ByteWriter: out of space")
        space.storeBytes(of: value.bigEndian, toByteOffset: count, as: T.self)
        count += MemoryLayout<T>.size
    }
}
