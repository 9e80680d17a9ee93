import CryptoPrimitives
import WireCoding

/// A server's request for another hello.
enum Retry: Equatable {
    /// The server takes no tickets: the client has to begin with the password.
    case ticketRefused(nonce: [UInt8])
    /// The realm and the cost of stretching of this server.
    case realm(Realm, cost: String, nonce: [UInt8])

    /// The size of the random bytes that make every Retry different.
    static let nonceCount = 16
    /// The longest cost text: `scrypt:17:8:1` has 13 bytes.
    static let maxCost = 47

    private enum Reason {
        static let ticketRefused: UInt8 = 2
        static let realm: UInt8 = 3
    }

    /// The whole message.
    func encoded() -> [UInt8] {
        switch self {
        case .ticketRefused(let nonce):
            return HandshakeFrame.encode(.retry, body: [Reason.ticketRefused, 0] + nonce)
        case .realm(let realm, let cost, let nonce):
            var body = [Reason.realm, 0] + nonce
            body.append(UInt8(realm.bytes.count))
            body += realm.bytes
            body.append(UInt8(cost.utf8.count))
            body += Array(cost.utf8)
            return HandshakeFrame.encode(.retry, body: body)
        }
    }

    /// Parses a whole message whose frame header has been checked.
    init(frame: UnsafeRawBufferPointer) throws(HandshakeFault) {
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: frame.dropFirst(HandshakeFrame.headerCount)))
        guard let reason = reader.uint8(), reader.uint8() != nil, let nonce = reader.bytes(Self.nonceCount)
        else { throw .malformed("retry is too short") }
        switch reason {
        case Reason.realm:
            guard let realmCount = reader.uint8(), let realmBytes = reader.bytes(Int(realmCount)),
                let realm = Realm(Array(realmBytes)), let costCount = reader.uint8(),
                costCount <= Self.maxCost, let cost = reader.bytes(Int(costCount)), reader.isAtEnd
            else { throw .malformed("realm") }
            self = .realm(realm, cost: String(decoding: cost, as: UTF8.self), nonce: Array(nonce))
        case Reason.ticketRefused:
            self = .ticketRefused(nonce: Array(nonce))
        default:
            // A puzzle, or a reason of a later version: this end did not announce support for it.
            throw .malformed("retry reason")
        }
    }
}

/// A server's rejection of a client.
package struct Reject: Equatable {
    package var code: RejectCode
    /// The number of seconds after which another attempt may succeed; 0 if the server does not say.
    package var retryAfterSeconds: UInt16

    /// The whole message.
    package func encoded() -> [UInt8] {
        var body = [code.rawValue, 0]
        body.append(bigEndian: retryAfterSeconds)
        return HandshakeFrame.encode(.reject, body: body)
    }

    /// Parses a whole message whose frame header has been checked.
    init(frame: UnsafeRawBufferPointer) throws(HandshakeFault) {
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: frame.dropFirst(HandshakeFrame.headerCount)))
        guard let code = reader.uint8(), reader.uint8() == 0, let seconds = reader.uint16() else {
            throw .malformed("reject")
        }
        self.init(code: RejectCode(rawValue: code), retryAfterSeconds: seconds)
    }

    package init(code: RejectCode, retryAfterSeconds: UInt16 = 0) {
        self.code = code
        self.retryAfterSeconds = retryAfterSeconds
    }
}
