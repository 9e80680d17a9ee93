/// Takes fixed integers and runs of bytes off the front of a borrowed buffer; every integer is big-endian.
///
/// A read that asks for more than there is answers `nil` and takes nothing: "not enough bytes" is an ordinary
/// answer here, and it is the caller who knows whether it means *wait* or *malformed*. Nothing traps, whatever
/// the bytes say.
///
/// The buffer is borrowed: neither the reader nor what it hands out may outlive it.
package struct ByteReader {
    private var rest: UnsafeRawBufferPointer

    /// Starts at the first byte of `bytes`.
    package init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    /// How many bytes have not been taken yet.
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
    /// A negative count answers `nil`, like one that is too large.
    package mutating func bytes(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, rest.count >= count else { return nil }
        let taken = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        drop(count)
        return taken
    }

    /// Takes everything that is left.
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
