/// Puts fixed integers and runs of bytes into memory of the caller's; every integer is big-endian.
///
/// It is meant for places whose size is known before the first byte is written (a frame's header, a record's
/// header), so running past the end is a fault of our own code and a precondition.
package struct ByteWriter {
    private let space: UnsafeMutableRawBufferPointer

    /// How many bytes have been written.
    package private(set) var count = 0

    /// Starts at the first byte of `space`.
    package init(_ space: UnsafeMutableRawBufferPointer) {
        self.space = space
    }

    /// Puts one byte.
    package mutating func uint8(_ value: UInt8) {
        precondition(count < space.count, "ByteWriter: out of space")
        space[count] = value
        count += 1
    }

    /// Puts two bytes, most significant first.
    package mutating func uint16(_ value: UInt16) {
        integer(value)
    }

    /// Puts the low 24 bits of `value`, most significant byte first.
    package mutating func uint24(_ value: Int) {
        precondition(value >= 0 && value < 1 << 24, "ByteWriter: not a 24-bit value")
        uint8(UInt8(truncatingIfNeeded: value >> 16))
        uint16(UInt16(truncatingIfNeeded: value))
    }

    /// Puts four bytes, most significant first.
    package mutating func uint32(_ value: UInt32) {
        integer(value)
    }

    /// Puts eight bytes, most significant first.
    package mutating func uint64(_ value: UInt64) {
        integer(value)
    }

    /// Puts a run of bytes as they are.
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
