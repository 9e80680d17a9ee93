import FoundationEssentials

/// What a packet carries: bytes, and what they are.
///
/// A string literal is a payload of text:
/// ```swift
/// try await connection.send("greeting", "hello")
/// try await connection.send("order", .json(Order(item: "tea", count: 2)))
/// ```
public struct Payload: Hashable, Sendable {
    /// What the bytes are, as the sender says; the receiver need not believe it.
    public enum Format: UInt8, Hashable, Sendable {
        /// Anything.
        case bytes = 0
        /// UTF-8.
        case text = 1
        /// JSON.
        case json = 2
    }

    /// What the bytes are.
    public let format: Format
    /// The bytes.
    public let bytes: [UInt8]

    package init(format: Format, bytes: [UInt8]) {
        self.format = format
        self.bytes = bytes
    }

    /// Nothing.
    public static let empty = Payload(format: .bytes, bytes: [])

    /// Bytes as they are.
    public static func bytes(_ bytes: some Sequence<UInt8>) -> Payload {
        Payload(format: .bytes, bytes: Array(bytes))
    }

    /// Text, as UTF-8.
    public static func text(_ text: some StringProtocol) -> Payload {
        Payload(format: .text, bytes: Array(text.utf8))
    }

    /// A value as JSON; throws ``SallyportError/Code/malformed`` when it cannot be written so.
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

    /// The value that was sent as JSON; throws ``SallyportError/Code/malformed`` when the bytes are not one.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws(SallyportError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw SallyportError(.malformed, "the payload is not a \(type)", cause: error)
        }
    }
}

extension Payload: ExpressibleByStringInterpolation {
    /// Text.
    public init(stringLiteral text: String) {
        self = .text(text)
    }
}
