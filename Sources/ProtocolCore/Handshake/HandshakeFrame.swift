import WireCoding

/// The kind of a handshake message; the number goes over the wire.
package enum HandshakeKind: UInt8, Sendable {
    case clientHello = 1
    case serverHello = 2
    case clientFinish = 3
    case retry = 4
    case reject = 5

    /// The allowed length of the body of such a message, in bytes.
    ///
    /// Together these ranges bound the memory that an unauthenticated client can make this end hold.
    package var bodyRange: ClosedRange<Int> {
        switch self {
        // Today's hellos have at most 283 bytes; the rest is room for a hybrid key exchange's 1,568-byte key.
        case .clientHello, .serverHello: 0...HandshakeFrame.maxBody
        case .clientFinish: 64...64
        // A realm of 255 bytes and the text of the cost fit, with some bytes to spare.
        case .retry: 18...320
        case .reject: 4...4
        }
    }
}

/// A message of the handshake: a header of eight bytes and a body (PROTOCOL.md, Handshake messages).
///
/// It is plaintext, because the keys are derived from it.
package enum HandshakeFrame {
    /// The first bytes of every message: `F5`, which begins neither UTF-8 nor TLS, SSH, HTTP or PROXY, then `SLY`.
    package static let magic: [UInt8] = [0xF5, 0x53, 0x4C, 0x59]
    /// The version of this framing.
    ///
    /// No version changes the meaning of the first eight bytes.
    package static let framingVersion: UInt8 = 1
    /// The size of the header: magic, framing version, kind and the body's length.
    package static let headerCount = 8
    /// The longest body of any message, in bytes.
    package static let maxBody = 2048

    /// Encodes a whole message.
    package static func encode(_ kind: HandshakeKind, body: [UInt8]) -> [UInt8] {
        precondition(kind.bodyRange.contains(body.count), "handshake body of an impossible size")
        var frame: [UInt8] = []
        frame.reserveCapacity(headerCount + body.count)
        frame.append(contentsOf: magic)
        frame.append(framingVersion)
        frame.append(kind.rawValue)
        frame.append(bigEndian: UInt16(body.count))
        frame.append(contentsOf: body)
        return frame
    }

    /// Parses the header at the front of the bytes that have arrived so far.
    ///
    /// It fails at the first byte that cannot be right, without waiting for more.
    ///
    /// `expected` lists the kinds that may come now; if it is empty, any byte is an error.
    ///
    /// - Returns: the kind and the length of the whole frame, or `nil` while it is not complete.
    /// - Throws: the error in the message.
    package static func measure(
        _ bytes: UnsafeRawBufferPointer,
        expecting expected: [HandshakeKind]
    ) throws(HandshakeFault) -> (kind: HandshakeKind, count: Int)? {
        for (received, right) in zip(bytes, magic) where received != right { throw .notOurProtocol }
        if bytes.count > 4, bytes[4] != framingVersion { throw .notOurProtocol }
        guard bytes.isEmpty || !expected.isEmpty else { throw .unexpectedMessage }
        guard bytes.count > 5 else { return nil }
        guard let kind = HandshakeKind(rawValue: bytes[5]) else { throw .malformed("unknown message") }
        guard expected.contains(kind) else { throw .unexpectedMessage }
        guard bytes.count >= headerCount else { return nil }
        let length = Int(bytes[6]) << 8 | Int(bytes[7])
        guard kind.bodyRange.contains(length) else { throw .malformed("message length") }
        guard bytes.count >= headerCount + length else { return nil }
        return (kind, headerCount + length)
    }
}
