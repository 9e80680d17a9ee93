/// Takes values off the front of bytes, as a ``BinaryWriter`` has put them there; integers are big-endian.
///
/// Never traps, whatever the bytes are: what cannot be read is a ``SallyportError/Code/malformed`` and takes nothing.
public struct BinaryReader: Sendable {
    private let bytes: [UInt8]
    private var offset = 0

    /// Begins with the first byte.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Begins with the first byte of a payload.
    public init(_ payload: Payload) {
        bytes = payload.bytes
    }

    /// How many bytes have not been taken.
    public var remaining: Int { bytes.count - offset }

    /// Whether all bytes have been taken.
    public var isAtEnd: Bool { remaining == 0 }

    /// Takes an integer of any fixed width.
    public mutating func integer<Integer: FixedWidthInteger>(
        _ type: Integer.Type = Integer.self
    ) throws(SallyportError) -> Integer {
        let count = Integer.bitWidth / 8
        var value: Integer = 0
        for byte in try take(count, "an integer of \(count) bytes") {
            value = value << 8 | Integer(truncatingIfNeeded: byte)
        }
        return value
    }

    /// Takes a `Bool`: a byte that is 0 or 1.
    public mutating func bool() throws(SallyportError) -> Bool {
        guard remaining > 0, bytes[offset] <= 1 else { throw fault("a Bool") }
        defer { offset += 1 }
        return bytes[offset] == 1
    }

    /// Takes a `Double`: its IEEE 754 bits.
    public mutating func double() throws(SallyportError) -> Double {
        Double(bitPattern: try integer())
    }

    /// Takes so many bytes.
    public mutating func bytes(_ count: Int) throws(SallyportError) -> [UInt8] {
        Array(try take(count, "\(count) bytes"))
    }

    /// Takes bytes that have their length in front, at most so many.
    public mutating func data(atMost most: Int = .max) throws(SallyportError) -> [UInt8] {
        let before = offset
        let count = Int(try integer(UInt32.self))
        guard count <= min(most, remaining) else {
            offset = before
            throw fault("data of \(count) bytes")
        }
        return Array(try take(count, "data"))
    }

    /// Takes text that has its length in front, at most so many bytes of UTF-8.
    public mutating func string(atMost most: Int = .max) throws(SallyportError) -> String {
        let before = offset
        guard let text = String(validating: try data(atMost: most), as: UTF8.self) else {
            offset = before
            throw fault("text")
        }
        return text
    }

    private mutating func take(_ count: Int, _ what: String) throws(SallyportError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw fault(what) }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    private func fault(_ what: String) -> SallyportError {
        SallyportError(.malformed, "at byte \(offset) of \(bytes.count) there is not \(what)")
    }
}

/// Puts values one behind the other, for a ``BinaryReader``; integers are big-endian.
public struct BinaryWriter: Sendable {
    /// What was written.
    public private(set) var bytes: [UInt8] = []

    /// Begins with nothing.
    public init() {}

    /// What was written, to be sent.
    public var payload: Payload { .bytes(bytes) }

    /// Puts an integer of any fixed width.
    public mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Puts a `Bool`.
    public mutating func bool(_ value: Bool) {
        bytes.append(value ? 1 : 0)
    }

    /// Puts a `Double`.
    public mutating func double(_ value: Double) {
        integer(value.bitPattern)
    }

    /// Puts bytes without their length.
    public mutating func bytes(_ value: some Sequence<UInt8>) {
        bytes.append(contentsOf: value)
    }

    /// Puts bytes with their length in front, less than 4 GiB.
    public mutating func data(_ value: some Collection<UInt8>) {
        integer(UInt32(clamping: value.count))
        bytes.append(contentsOf: value.prefix(Int(UInt32.max)))
    }

    /// Puts text with its length in front.
    public mutating func string(_ value: some StringProtocol) {
        data(Array(value.utf8))
    }
}
