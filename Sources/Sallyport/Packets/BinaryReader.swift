/// Reads values from the front of a byte array, in the format of ``BinaryWriter``; integers are big-endian.
///
/// Never traps, for any bytes: if the next bytes are not such a value, the method throws ``SallyportError/Code/malformed`` and
/// the reader stays where it was.
public struct BinaryReader: Sendable {
    private let bytes: [UInt8]
    private var offset = 0

    /// Creates a reader at the first byte.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Creates a reader at the first byte of a payload.
    public init(_ payload: Payload) {
        bytes = payload.bytes
    }

    /// The number of bytes that have not been read.
    public var remaining: Int { bytes.count - offset }

    /// Whether all bytes have been read.
    public var isAtEnd: Bool { remaining == 0 }

    /// Reads an integer of any fixed width.
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

    /// Reads a `Bool`: one byte that is 0 or 1.
    public mutating func bool() throws(SallyportError) -> Bool {
        guard remaining > 0, bytes[offset] <= 1 else { throw fault("a Bool") }
        defer { offset += 1 }
        return bytes[offset] == 1
    }

    /// Reads a `Double`: its IEEE 754 bits.
    public mutating func double() throws(SallyportError) -> Double {
        Double(bitPattern: try integer())
    }

    /// Reads `count` bytes.
    public mutating func bytes(_ count: Int) throws(SallyportError) -> [UInt8] {
        Array(try take(count, "\(count) bytes"))
    }

    /// Reads bytes with a length prefix, at most `most` bytes.
    public mutating func data(atMost most: Int = .max) throws(SallyportError) -> [UInt8] {
        let before = offset
        let count = Int(try integer(UInt32.self))
        guard count <= min(most, remaining) else {
            offset = before
            throw fault("data of \(count) bytes")
        }
        return Array(try take(count, "data"))
    }

    /// Reads text with a length prefix, at most `most` bytes of UTF-8.
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

/// Writes values one after the other, for a ``BinaryReader``; integers are big-endian.
public struct BinaryWriter: Sendable {
    /// The bytes written so far.
    public private(set) var bytes: [UInt8] = []

    /// Creates an empty writer.
    public init() {}

    /// The bytes written so far, as a payload.
    public var payload: Payload { .bytes(bytes) }

    /// Writes an integer of any fixed width.
    public mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Writes a `Bool`.
    public mutating func bool(_ value: Bool) {
        bytes.append(value ? 1 : 0)
    }

    /// Writes a `Double`.
    public mutating func double(_ value: Double) {
        integer(value.bitPattern)
    }

    /// Writes bytes without a length prefix.
    public mutating func bytes(_ value: some Sequence<UInt8>) {
        bytes.append(contentsOf: value)
    }

    /// Writes bytes with a length prefix, less than 4 GiB.
    public mutating func data(_ value: some Collection<UInt8>) {
        integer(UInt32(clamping: value.count))
        bytes.append(contentsOf: value.prefix(Int(UInt32.max)))
    }

    /// Writes text with a length prefix.
    public mutating func string(_ value: some StringProtocol) {
        data(Array(value.utf8))
    }
}
