/// Decisions read from the front of an input; after its end, every decision is zero.
struct Choices {
    private(set) var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 {
        guard let first = rest.first else { return 0 }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
        return first
    }

    /// Two bytes, most significant first.
    mutating func uint16() -> Int { Int(byte()) << 8 | Int(byte()) }

    /// Whether the next byte is odd.
    mutating func yes() -> Bool { byte() & 1 == 1 }

    /// One of the values.
    mutating func one<T>(of values: [T]) -> T { values[Int(byte()) % values.count] }

    /// The next `count` bytes, or all that are left if there are fewer.
    mutating func bytes(_ count: Int) -> UnsafeRawBufferPointer {
        let taken = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        return taken
    }
}
