public import FoundationEssentials

/// A received message: its action, its payload, its time and its sender.
public struct Packet: Sendable {
    /// The action, which selects the receiver's handler.
    ///
    /// 1 to 255 bytes.
    public let action: String
    /// The payload.
    public let payload: Payload
    /// The time when the packet was made, by the sender's clock.
    public let created: Date
    /// The packet's number; each sender numbers what it sends over a connection.
    public let number: UInt64
    /// The user that the sender has proved to be; at a client, packets from the server have the client's own user.
    public let sender: String
    /// The token of the connection that the packet came over; `nil` at a client, because only the server has tokens.
    public let token: ConnectionToken?

    /// The payload as text, or `nil` when it is not UTF-8.
    public var text: String? { payload.text }

    /// Decodes the payload, which was sent as JSON; throws ``SallyportError/Code/malformed``.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws(SallyportError) -> Value {
        try payload.decode(type)
    }
}

/// The identity of one connection at its server: random, never reused, never sent.
public struct ConnectionToken: Hashable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    init(random bytes: [UInt8]) {
        high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes.dropFirst(8).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The token as 32 hexadecimal digits.
    public var description: String {
        [high, low].map { number in
            let digits = String(number, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }
}
