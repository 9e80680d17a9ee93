import WireCoding

/// What a handshake message is; the number goes over the wire.
package enum HandshakeKind: UInt8, Sendable {
    case clientHello = 1
    case serverHello = 2
    case clientFinish = 3
    case retry = 4
    case reject = 5

    /// How long the body of such a message may be.
    ///
    /// All together they bound what a stranger can make us hold before it has proved that it knows a
    /// password.
    package var bodyRange: ClosedRange<Int> {
        switch self {
        // Today's hellos have at most 283 bytes; the rest is room for a hybrid key exchange's 1,568-byte key.
        case .clientHello, .serverHello: 0...HandshakeFrame.maxBody
        case .clientFinish: 64...64
        // A realm of 255 bytes and the cost's text fit with some bytes to spare.
        case .retry: 18...320
        case .reject: 4...4
        }
    }
}

/// A message of the handshake: eight bytes of header and a body, in clear text, because it is what keys are made
/// from (PROTOCOL.md, Handshake messages).
package enum HandshakeFrame {
    /// The first bytes of everything: `F5`, which begins neither UTF-8 nor TLS, SSH, HTTP or PROXY, then `SLY`.
    package static let magic: [UInt8] = [0xF5, 0x53, 0x4C, 0x59]
    /// The version of this framing.
    ///
    /// It never changes what the first eight bytes mean.
    package static let framingVersion: UInt8 = 1
    /// Magic, framing version, kind and the body's length.
    package static let headerCount = 8
    /// The longest body of any message, in bytes.
    package static let maxBody = 2048

    /// A whole frame.
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

    /// Looks at the front of what has come so far.
    ///
    /// It complains about the first byte that cannot be right, without waiting for more.
    ///
    /// `expected` is what may come now; when nothing may, the first byte is too much.
    ///
    /// - Returns: the kind and the length of the whole frame, or `nil` while it is not complete.
    /// - Throws: what is wrong with it.
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
