import CryptoPrimitives
import WireCoding

/// A server's answer to a login: the chosen suite, its share and its proof.
struct ServerHello: Sendable {
    /// 32 random bytes.
    var random: [UInt8]
    /// The suite that the server chose.
    var suite: Suite
    /// The server's share Y, 133 bytes.
    var share: [UInt8]
    /// The parameters that the server announces.
    var parameters: SessionParameters
    /// The hint of the server's realm: the same as the client's, because otherwise the server sends Retry.
    var realmHint: [UInt8]

    /// The size of the confirmation, which is the end of the message.
    static let confirmationCount = 64

    /// The message without its confirmation, which is computed over it.
    func encodedWithoutConfirmation() -> [UInt8] {
        var body = random
        body += [ClientHello.version, HelloMode.password.rawValue, 0]
        body.append(bigEndian: suite.rawValue)
        body.append(0)
        body.append(type: HelloElement.share, value: share)
        body.append(type: HelloElement.parameters, value: parameters.encoded)
        body.append(type: HelloElement.realmHint, value: realmHint)
        body.append(
            type: HelloElement.confirmation,
            value: [UInt8](repeating: 0, count: Self.confirmationCount)
        )
        return HandshakeFrame.encode(.serverHello, body: body).dropLast(Self.confirmationCount)
    }
}

extension ServerHello {
    /// Parses a whole message whose frame header has been checked.
    ///
    /// - Returns: the hello and the confirmation at its end.
    static func read(
        frame: UnsafeRawBufferPointer
    ) throws(HandshakeFault) -> (hello: ServerHello, confirmation: [UInt8]) {
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: frame.dropFirst(HandshakeFrame.headerCount)))
        let opening = try Opening(&reader)
        guard opening.mode == HelloMode.password.rawValue else { throw .malformed("mode") }
        let elements = try HelloElements(&reader)
        guard let confirmation = elements.confirmation, confirmation.count == confirmationCount,
            elements.last == HelloElement.confirmation
        else { throw .malformed("confirmation") }
        guard let share = elements.share, share.count == P521.pointCount else { throw .malformed("share") }
        guard let bytes = elements.parameters, let parameters = SessionParameters(bytes) else {
            throw .malformed("parameters")
        }
        guard let hint = elements.realmHint, hint.count == Realm.hintCount else {
            throw .malformed("realm hint")
        }
        let hello = ServerHello(
            random: opening.random,
            suite: opening.suite,
            share: Array(share),
            parameters: parameters,
            realmHint: Array(hint)
        )
        return (hello, Array(confirmation))
    }

    /// The beginning of a server's hello, which is the same in every mode.
    struct Opening {
        let random: [UInt8]
        let mode: UInt8
        let suite: Suite

        init(_ reader: inout ByteReader) throws(HandshakeFault) {
            guard let random = reader.bytes(ClientHello.randomCount), let version = reader.uint8(),
                let mode = reader.uint8(), let flags = reader.uint8(), let suite = reader.uint16(),
                let reserved = reader.uint8()
            else { throw .malformed("hello is too short") }
            guard version == ClientHello.version else { throw .version }
            guard flags == 0, reserved == 0 else { throw .malformed("mode") }
            self.random = Array(random)
            self.mode = mode
            self.suite = Suite(rawValue: suite)
        }
    }
}
