/// One element of a list of `u16 type, u16 length, value` (PROTOCOL.md, Handshake messages).
package struct TypeLengthValue {
    /// What the value is.
    ///
    /// Bit 15 set: a receiver that does not know the type must give up.
    package let type: UInt16

    /// The value, borrowed from the message it was read from.
    package let value: UnsafeRawBufferPointer

    /// Whether a receiver that does not know `type` must give up.
    package var isCritical: Bool { type & 0x8000 != 0 }
}

/// Why a list of type-length-values could not be read.
package enum TypeLengthValueFault: Error, Equatable {
    /// The list ends inside an element.
    case truncated
    /// A type is not larger than the one before it, so it is out of order or there twice.
    case notAscending(UInt16)
}

extension ByteReader {
    /// Takes the next element of a list whose types ascend strictly, or `nil` at the end of the bytes.
    ///
    /// `previous` is the type of the element before, `nil` for the first one; it is moved on.
    package mutating func typeLengthValue(
        after previous: inout UInt16?
    ) throws(TypeLengthValueFault)
        -> TypeLengthValue?
    {
        guard !isAtEnd else { return nil }
        guard let type = uint16(), let length = uint16(), let value = bytes(Int(length)) else {
            throw .truncated
        }
        if let previous, type <= previous { throw .notAscending(type) }
        previous = type
        return TypeLengthValue(type: type, value: value)
    }
}

extension [UInt8] {
    /// Appends one element.
    ///
    /// - Precondition: the value is shorter than 65,536 bytes; it is always our own.
    package mutating func append(type: UInt16, value: some Collection<UInt8>) {
        append(bigEndian: type)
        append(bigEndian: UInt16(value.count))
        append(contentsOf: value)
    }
}
