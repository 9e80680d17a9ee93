public import FoundationEssentials

/// A message as it was received: what it is about, what it carries, when it was made and by whom.
public struct Packet: Sendable {
    /// What it is about; the receiver's handlers go by it.
    ///
    /// 1 to 255 bytes.
    public let action: String
    /// What it carries.
    public let payload: Payload
    /// When it was made, by the sender's clock.
    public let created: Date
    /// Which one it is of those that its sender has sent over this connection.
    public let number: UInt64
    /// The user that the sender has proved to be; at a client, what comes from the server has the client's own user.
    public let sender: String
    /// The token of the connection that it came over; only the server has tokens.
    public let token: ConnectionToken?

    /// The payload as text, or `nil` when it is not UTF-8.
    public var text: String? { payload.text }

    /// The payload as a value that was sent as JSON.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws(SallyportError) -> Value {
        try payload.decode(type)
    }
}

/// Names one connection at its server: random, never used again, never sent.
public struct ConnectionToken: Hashable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    init(random bytes: [UInt8]) {
        high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes.dropFirst(8).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// 32 hexadecimal digits.
    public var description: String {
        [high, low].map { number in
            let digits = String(number, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }
}
