/// One element of a list of `u16 type, u16 length, value` (PROTOCOL.md, Handshake messages).
package struct TypeLengthValue {
    /// The type of the value.
    ///
    /// If bit 15 is set, a receiver that does not know the type must reject the message.
    package let type: UInt16

    /// The value, borrowed from the message that contains it.
    package let value: UnsafeRawBufferPointer

    /// Whether a receiver that does not know `type` must reject the message.
    package var isCritical: Bool { type & 0x8000 != 0 }
}

/// The reason why a list of type-length-values could not be read.
package enum TypeLengthValueFault: Error, Equatable {
    /// The list ends inside an element.
    case truncated
    /// A type is not larger than the one before it: it is out of order or a duplicate.
    case notAscending(UInt16)
}

extension ByteReader {
    /// Takes the next element of a list whose types ascend strictly, or returns `nil` at the end of the bytes.
    ///
    /// `previous` is the type of the element before, `nil` for the first one; the call updates it.
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
    /// - Precondition: the value is shorter than 65,536 bytes. It always comes from this program, never from the peer.
    package mutating func append(type: UInt16, value: some Collection<UInt8>) {
        append(bigEndian: type)
        append(bigEndian: UInt16(value.count))
        append(contentsOf: value)
    }
}
