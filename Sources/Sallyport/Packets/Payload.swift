import FoundationEssentials

/// The content of a packet: bytes, and their format.
///
/// A string literal is a payload of text:
/// ```swift
/// try await connection.send("greeting", "hello")
/// try await connection.send("order", .json(Order(item: "tea", count: 2)))
/// ```
public struct Payload: Hashable, Sendable {
    /// The format of the bytes, as the sender declares it; the receiver does not have to trust it.
    public enum Format: UInt8, Hashable, Sendable {
        /// Any bytes.
        case bytes = 0
        /// Text in UTF-8.
        case text = 1
        /// A JSON value.
        case json = 2
    }

    /// The format of the bytes.
    public let format: Format
    /// The bytes.
    public let bytes: [UInt8]

    package init(format: Format, bytes: [UInt8]) {
        self.format = format
        self.bytes = bytes
    }

    /// A payload without bytes.
    public static let empty = Payload(format: .bytes, bytes: [])

    /// Makes a payload of bytes.
    public static func bytes(_ bytes: some Sequence<UInt8>) -> Payload {
        Payload(format: .bytes, bytes: Array(bytes))
    }

    /// Makes a payload of text, in UTF-8.
    public static func text(_ text: some StringProtocol) -> Payload {
        Payload(format: .text, bytes: Array(text.utf8))
    }

    /// Makes a payload of a value as JSON; throws ``SallyportError/Code/malformed`` if the value cannot be encoded.
    public static func json(_ value: some Encodable) throws(SallyportError) -> Payload {
        do {
            return Payload(format: .json, bytes: Array(try JSONEncoder().encode(value)))
        } catch {
            throw SallyportError(
                .malformed,
                "a \(Swift.type(of: value)) cannot be written as JSON",
                cause: error
            )
        }
    }

    /// The text, or `nil` when the bytes are not UTF-8.
    public var text: String? { String(validating: bytes, as: UTF8.self) }

    /// Decodes a value that was sent as JSON; throws ``SallyportError/Code/malformed`` if the bytes are not such a value.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws(SallyportError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw SallyportError(.malformed, "the payload is not a \(type)", cause: error)
        }
    }
}

extension Payload: ExpressibleByStringInterpolation {
    /// Makes a payload of text.
    public init(stringLiteral text: String) {
        self = .text(text)
    }
}
