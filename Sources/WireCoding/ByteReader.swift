/// Takes fixed-size integers and runs of bytes off the front of a borrowed buffer; every integer is big-endian.
///
/// A read that asks for more bytes than are left returns `nil` and takes nothing. "Not enough bytes" is an ordinary result
/// here: only the caller knows whether it means *wait* or *malformed*. No input makes the reader trap.
///
/// The buffer is borrowed: neither the reader nor the bytes that it returns may outlive it.
package struct ByteReader {
    private var rest: UnsafeRawBufferPointer

    /// Starts at the first byte of `bytes`.
    package init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    /// The number of bytes that have not been taken yet.
    package var remaining: Int { rest.count }

    /// Whether every byte has been taken.
    package var isAtEnd: Bool { rest.isEmpty }

    /// Takes one byte.
    package mutating func uint8() -> UInt8? {
        guard let first = rest.first else { return nil }
        drop(1)
        return first
    }

    /// Takes two bytes, most significant first.
    package mutating func uint16() -> UInt16? {
        integer(UInt16.self)
    }

    /// Takes three bytes, most significant first.
    package mutating func uint24() -> Int? {
        guard rest.count >= 3 else { return nil }
        let value = Int(rest[0]) << 16 | Int(rest[1]) << 8 | Int(rest[2])
        drop(3)
        return value
    }

    /// Takes four bytes, most significant first.
    package mutating func uint32() -> UInt32? {
        integer(UInt32.self)
    }

    /// Takes eight bytes, most significant first.
    package mutating func uint64() -> UInt64? {
        integer(UInt64.self)
    }

    /// Takes `count` bytes as they are.
    ///
    /// Returns `nil` for a negative count, as for one that is too large.
    package mutating func bytes(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, rest.count >= count else { return nil }
        let taken = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        drop(count)
        return taken
    }

    /// Takes all bytes that are left.
    package mutating func remainder() -> UnsafeRawBufferPointer {
        let taken = rest
        drop(rest.count)
        return taken
    }

    private mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> T? {
        guard rest.count >= MemoryLayout<T>.size else { return nil }
        let value = T(bigEndian: rest.loadUnaligned(as: T.self))
        drop(MemoryLayout<T>.size)
        return value
    }

    private mutating func drop(_ count: Int) {
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    }
}
